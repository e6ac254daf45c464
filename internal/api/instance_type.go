package api

import (
	"slices"
	"strings"

	"ringfence/internal/vpc"
)

// An instanceType says how large an instance is. Only its interfaces and their
// addresses are limited; processors and memory are what the type says of itself
// (EC2 User Guide, "Maximum IP addresses per network interface").
type instanceType struct {
	processors int
	memory     int // MiB
	interfaces int
	ipv4, ipv6 int // per interface
	current    bool
}

// otherType stands for the types that instanceTypes lacks.
var otherType = instanceType{processors: 4, memory: 16384, interfaces: 8, ipv4: 30, ipv6: 30, current: true}

// instanceTypes are those that examples launch. Any other name of the form of a
// type is accepted as well.
var instanceTypes = map[string]instanceType{
	"t1.micro":   {1, 627, 2, 2, 0, false},
	"m1.small":   {1, 1740, 2, 4, 0, false},
	"m1.medium":  {1, 3788, 2, 6, 0, false},
	"m1.large":   {2, 7680, 3, 10, 0, false},
	"m1.xlarge":  {4, 15360, 4, 15, 0, false},
	"c1.medium":  {2, 1740, 2, 6, 0, false},
	"c1.xlarge":  {8, 7168, 4, 15, 0, false},
	"m2.xlarge":  {2, 17510, 4, 15, 0, false},
	"m2.2xlarge": {4, 35020, 4, 30, 0, false},
	"m2.4xlarge": {8, 70041, 8, 30, 0, false},
	"m3.medium":  {1, 3840, 2, 6, 0, false},
	"m3.large":   {2, 7680, 3, 10, 0, false},
	"m3.xlarge":  {4, 15360, 4, 15, 0, false},
	"m3.2xlarge": {8, 30720, 4, 30, 0, false},
	"t2.nano":    {1, 512, 2, 2, 2, true},
	"t2.micro":   {1, 1024, 2, 2, 2, true},
	"t2.small":   {1, 2048, 3, 4, 4, true},
	"t2.medium":  {2, 4096, 3, 6, 6, true},
	"t2.large":   {2, 8192, 3, 12, 12, true},
	"t3.nano":    {2, 512, 2, 2, 2, true},
	"t3.micro":   {2, 1024, 2, 2, 2, true},
	"t3.small":   {2, 2048, 3, 4, 4, true},
	"t3.medium":  {2, 4096, 3, 6, 6, true},
	"t3.large":   {2, 8192, 3, 12, 12, true},
	"t3.xlarge":  {4, 16384, 4, 15, 15, true},
	"t3.2xlarge": {8, 32768, 4, 15, 15, true},
	"m4.large":   {2, 8192, 2, 10, 10, true},
	"m4.xlarge":  {4, 16384, 4, 15, 15, true},
	"m5.large":   {2, 8192, 3, 10, 10, true},
	"m5.xlarge":  {4, 16384, 4, 15, 15, true},
	"m5.2xlarge": {8, 32768, 4, 15, 15, true},
	"m5.4xlarge": {16, 65536, 8, 30, 30, true},
	"c4.large":   {2, 3840, 3, 10, 10, true},
	"c5.large":   {2, 4096, 3, 10, 10, true},
	"c5.xlarge":  {4, 8192, 4, 15, 15, true},
	"r5.large":   {2, 16384, 3, 10, 10, true},
	"r5.xlarge":  {4, 32768, 4, 15, 15, true},
}

func errInstanceType(name string) error {
	return vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%s' for InstanceType.", name)
}

func instanceTypeNamed(name string) instanceType {
	if t, ok := instanceTypes[name]; ok {
		return t
	}
	return otherType
}

// checkInterfaceCount refuses an instance with more interfaces than its type has.
func checkInterfaceCount(name string, count int) error {
	if count > instanceTypeNamed(name).interfaces {
		return vpc.Errorf(vpc.AttachmentLimitExceeded, "Interface count %d exceeds the limit for %s", count, name)
	}
	return nil
}

// checkAddressCount refuses an interface with more addresses of a family than
// it may have on an instance of a type; on none, more than on the largest.
func checkAddressCount(name string, ipv4, ipv6 int) error {
	t := instanceTypeNamed(name)
	if name == "" {
		t.ipv4, t.ipv6 = maxAddresses, maxAddresses
	}
	if ipv4 > t.ipv4 || ipv6 > t.ipv6 {
		return errTooManyAddresses()
	}
	return nil
}

// family is the part of a type's name before the dot.
func family(name string) string {
	f, _, _ := strings.Cut(name, ".")
	return f
}

// isParavirtual reports whether instances of a type know that they are virtual
// machines, and bring a kernel and a ramdisk of their own (EC2 User Guide, "Linux
// AMI virtualization types").
func isParavirtual(name string) bool {
	return slices.Contains([]string{"t1", "m1", "m2", "c1"}, family(name))
}

// virtualization is how instances of a type are virtual machines.
func virtualization(name string) string {
	if isParavirtual(name) {
		return paravirtual
	}
	return hvm
}

// hasOneThread reports whether the processors of a type have cores of their own
// (EC2 User Guide, "CPU options").
func hasOneThread(name string) bool { return family(name) == "t2" || isParavirtual(name) }

// isBurstable reports whether instances of a type have CPU credits.
func isBurstable(name string) bool {
	return slices.Contains([]string{"t2", "t3", "t3a", "t4g"}, family(name))
}

// Credits that an instance of a burstable type may have: those it earns, or more.
const standardCredits, unlimitedCredits = "standard", "unlimited"

func isCredits(s string) bool { return s == standardCredits || s == unlimitedCredits }

func errCredits(s string) error {
	return vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%s' for CpuCredits. It must be standard or unlimited.", s)
}
