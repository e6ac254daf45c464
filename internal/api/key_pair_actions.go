package api

// keyPairActions are about key pairs.
var keyPairActions = map[string]*action{
	"CreateKeyPair": {
		handler: handle((*request).createKeyPair),
		done:    []string{"KeyName", "KeyType", "KeyFormat", "DryRun"},
		kept:    tagParams,
	},
	"ImportKeyPair": {
		handler: handle((*request).importKeyPair),
		done:    []string{"KeyName", "PublicKeyMaterial", "DryRun"},
		kept:    tagParams,
	},
	"DescribeKeyPairs": {
		handler: handle((*request).describeKeyPairs),
		done:    []string{"KeyName.N", "KeyPairId.N", "IncludePublicKey", "Filter.N.Name", "Filter.N.Value.N", "DryRun"},
	},
	"DeleteKeyPair": {
		handler: handle((*request).deleteKeyPair),
		done:    []string{"KeyName", "KeyPairId", "DryRun"},
	},
}
