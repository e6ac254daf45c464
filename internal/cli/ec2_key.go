package cli

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"ringfence/internal/awsquery"
)

var (
	keyWord    = []word{{"KEYPAIR", "KeyName", false}}
	keyColumns = []column{{"Name", "keyName"}, {"Fingerprint", "keyFingerprint"}}
)

// keyTools are those of key pairs.
var keyTools = []*tool{
	{
		names:   []string{"ec2-create-keypair", "ec2-add-keypair", "ec2addkey"},
		about:   "create a key pair and print its private key",
		example: "ec2-create-keypair my-key-pair > my-key-pair.pem",
		action:  "CreateKeyPair",
		words:   keyWord,
		run:     runCreateKey,
	},
	{
		names:    []string{"ec2-import-keypair", "ec2ikey"},
		about:    "have the public key of a key pair of your own",
		example:  "ec2-import-keypair my-key-pair -f ~/.ssh/id_rsa.pub",
		action:   "ImportKeyPair",
		words:    keyWord,
		options:  []option{{"f", "public-key-file", "FILE", "with the public key, as OpenSSH writes it", ""}},
		required: []string{"public-key-file"},
		prepare:  sendPublicKey,
		records:  []record{{kind: "KEYPAIR", columns: keyColumns}},
	},
	{
		names:   []string{"ec2-describe-keypairs", "ec2-describe-keypair", "ec2dkey"},
		about:   "list key pairs",
		example: "ec2-describe-keypairs my-key-pair",
		action:  "DescribeKeyPairs",
		words:   []word{{"KEYPAIR", "KeyName.N", true}},
		options: []option{filterOption},
		records: []record{{kind: "KEYPAIR", each: "keySet.item", columns: keyColumns, inner: []record{tagRecord("key-pair", "keyPairId")}}},
	},
	{
		names:   []string{"ec2-delete-keypair", "ec2delkey"},
		about:   "delete a key pair; instances keep its public key",
		example: "ec2-delete-keypair my-key-pair",
		action:  "DeleteKeyPair",
		words:   keyWord,
		records: []record{returned},
	},
}

// runCreateKey prints the key as a file for ssh -i may hold it, behind a line that
// ssh passes over.
func runCreateKey(ctx context.Context, c *toolCall) error {
	answer, err := c.ask(ctx)
	if err != nil {
		return err
	}
	c.print([]record{{kind: "KEYPAIR", columns: keyColumns}}, answer)
	c.out.text(strings.TrimRight(answer.Find("keyMaterial").Trimmed(), "\n") + "\n")
	return nil
}

func sendPublicKey(c *toolCall, params awsquery.Params) error {
	key, err := os.ReadFile(c.last("public-key-file"))
	if err != nil {
		return fmt.Errorf("read public key: %w", err)
	}
	params["PublicKeyMaterial"] = base64.StdEncoding.EncodeToString(key)
	return nil
}
