package api

// defaultTenancy is where instances run when nobody says otherwise: on machines
// that others use too (EC2 API reference, CreateVpc).
const defaultTenancy = "default"
