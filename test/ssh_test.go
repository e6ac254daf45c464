package test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// sshOptions are for a user who trusts the host keys in a file.
func sshOptions(key, known string) []string {
	return []string{"ssh", "-i", key, "-o", "UserKnownHostsFile=" + known, "-o", "StrictHostKeyChecking=yes",
		"-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5"}
}

// knownHosts waits until an instance's console has its host keys, and writes
// them to a file that ssh trusts.
func (d *daemon) knownHosts(id, address string) string {
	d.t.Helper()
	var keys string
	eventually(d.t, "the console has the host keys", func() bool {
		var said struct{ InstanceID, Timestamp, Output string }
		d.aws(&said, "ec2", "get-console-output", "--instance-id", id, "--latest")
		_, after, begun := strings.Cut(said.Output, "-----BEGIN SSH HOST KEY KEYS-----\n")
		before, _, ended := strings.Cut(after, "-----END SSH HOST KEY KEYS-----")
		keys = before
		return begun && ended && said.InstanceID == id
	})
	var known strings.Builder
	for line := range strings.Lines(keys) {
		known.WriteString(address + " " + line)
	}
	path := filepath.Join(d.t.TempDir(), "known")
	if err := os.WriteFile(path, []byte(known.String()), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// TestSSH is what everybody does first with an instance: make a key pair, launch
// with it, open port 22, and log in. The session outlives the daemon, the rule
// and the key pair.
func TestSSH(t *testing.T) {
	if _, err := os.Stat("/usr/bin/aws"); err != nil {
		t.Skipf("needs Debian's awscli: %v", err)
	}
	d := startLasting(t)
	d.profile = "default"
	key := filepath.Join(t.TempDir(), "mary.pem")
	d.client(`umask 077; aws ec2 create-key-pair --key-name mary --key-type ed25519 --query KeyMaterial --output text > "$1"`, key)
	var launched struct{ Instances []struct{ InstanceID string } }
	d.aws(&launched, "ec2", "run-instances", "--image-id", "ami-eca54085", "--key-name", "mary")
	id := launched.Instances[0].InstanceID
	d.aws(nil, "ec2", "wait", "instance-running", "--instance-ids", id)
	address := strings.TrimSpace(d.client(`aws ec2 describe-instances --instance-ids "$1" --query 'Reservations[0].Instances[0].PublicIpAddress' --output text`, id))
	rule := []string{"--group-name", "default", "--protocol", "tcp", "--port", "22", "--cidr", "203.0.113.7/32"}
	d.aws(nil, append([]string{"ec2", "authorize-security-group-ingress"}, rule...)...)
	d.settle()

	login := append(sshOptions(key, d.knownHosts(id, address)), "ec2-user@"+address)
	from := append(outside("203.0.113.7"), "--")
	remote := func(command string) string {
		t.Helper()
		return strings.TrimSpace(d.run(append(append(from, login...), command)...))
	}
	if got := remote("curl -s http://169.254.169.254/latest/meta-data/instance-id"); got != id {
		t.Errorf("behind the login is %s, want %s", got, id)
	}
	public := remote("curl -s http://169.254.169.254/latest/meta-data/public-keys/0/openssh-key")
	var described struct{ KeyPairs []struct{ PublicKey string } }
	d.aws(&described, "ec2", "describe-key-pairs", "--key-names", "mary", "--include-public-key")
	if len(described.KeyPairs) != 1 || described.KeyPairs[0].PublicKey != public || !strings.HasSuffix(public, " mary") {
		t.Errorf("the instance is told the key %q; the key pairs are %+v", public, described)
	}

	open := d.converse(outside("203.0.113.7"), append(login, "cat")...)
	open.exchange()
	d.stop(syscall.SIGTERM)
	open.exchange()
	d.start()
	open.exchange()
	d.aws(nil, "ec2", "delete-key-pair", "--key-name", "mary")
	if got := remote("id -un"); got != "ec2-user" {
		t.Errorf("without the key pair the instance knows %q", got)
	}
	d.aws(nil, append([]string{"ec2", "revoke-security-group-ingress"}, rule...)...)
	d.settle()
	open.exchange()
	if _, errs, status := d.try(append(append(from, login...), "true")...); status != 255 || !strings.Contains(errs, "timed out") {
		t.Errorf("a new session has status %d: %s", status, errs)
	}
}

// TestConsoleOutput is what the user data says, and who may read it.
func TestConsoleOutput(t *testing.T) {
	d := start(t)
	i := d.launch("ami-eca54085", "-d", "#!/bin/sh\necho the instance speaks\n")[0]
	eventually(t, "the console has the user data's words", func() bool {
		out := d.client(`aws ec2 get-console-output --instance-id "$1" --query Output --output text`, i.id)
		return strings.Contains(out, "the instance speaks") && strings.Contains(out, "msg=boot machine="+i.id)
	})
	d.run("ec2-terminate-instances", i.id)
	d.await("terminated", i.id)
	if out := d.client(`aws ec2 get-console-output --instance-id "$1" --query Output --output text`, i.id); strings.TrimSpace(out) != "None" {
		t.Errorf("a terminated instance says %q", out)
	}
	d.profile = "default"
	out := d.client(`aws ec2 get-console-output --instance-id "$1" 2>&1 || true`, i.id)
	if !strings.Contains(out, "InvalidInstanceID.NotFound") {
		t.Errorf("another account is told %q", out)
	}
}
