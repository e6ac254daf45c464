package api

// certificateActions are those of the IAM API 2010-05-08 that are about server
// certificates.
var certificateActions = map[string]*action{
	"UploadServerCertificate": {
		handler: handle((*request).uploadCertificate),
		done:    []string{"ServerCertificateName", "Path", "CertificateBody", "CertificateChain", "PrivateKey"},
		kept:    []string{"Tags.N.Key", "Tags.N.Value"},
	},
	"GetServerCertificate": {handler: handle((*request).getCertificate), done: []string{"ServerCertificateName"}},
	"ListServerCertificates": {
		handler: handle((*request).listCertificates), done: []string{"PathPrefix", "Marker", "MaxItems"},
	},
	"UpdateServerCertificate": {
		handler: handle((*request).updateCertificate), done: []string{"ServerCertificateName", "NewServerCertificateName", "NewPath"},
	},
	"DeleteServerCertificate": {handler: handle((*request).deleteCertificate), done: []string{"ServerCertificateName"}},
	"TagServerCertificate": {
		handler: handle((*request).tagCertificate), done: []string{"ServerCertificateName"}, kept: []string{"Tags.N.Key", "Tags.N.Value"},
	},
	"UntagServerCertificate": {handler: handle((*request).untagCertificate), done: []string{"ServerCertificateName", "TagKeys.N"}},
	"ListServerCertificateTags": {
		handler: handle((*request).listCertificateTags), done: []string{"ServerCertificateName", "Marker", "MaxItems"},
	},
}
