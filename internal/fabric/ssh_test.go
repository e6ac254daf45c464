package fabric

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sshKey makes a key for logins: the private one as a program of a machine
// reads it, and the line of authorized_keys.
func sshKey(t testing.TB, keyType string) (private, public string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", keyType, "-N", "", "-C", "mary", "-f", path).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	return read(path), read(path + ".pub")
}

// What every call of ssh begins with.
const ssh = "ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes -o ConnectTimeout=20 -i /root/key "

const sshServer, sshClient = "i-00000102", "i-00000103"

// sshPair boots an instance that one key opens, and another that has the key at
// /root/key.
func sshPair(t testing.TB) *Fabric {
	t.Helper()
	f := open(t)
	private, public := sshKey(t, "ed25519")
	server := instance(0x102)
	server.PublicKey = public
	boot(t, f, server)
	boot(t, f, instance(0x103))
	bridge(t, f)
	mustRun(t, f, sshClient, "cat > /root/key <<'END'\n"+private+"\nEND\nchmod 600 /root/key")
	return f
}

// A user of OpenSSH finds what there is on any machine.
func TestSSH(t *testing.T) {
	f := sshPair(t)
	const at = ssh + "ec2-user@10.254.1.2 "
	for _, tt := range []struct {
		what, script, want string
		status             int
	}{
		{"a command", at + "'hostname; id -un; pwd; echo $0'", "ip-10-254-1-2\nec2-user\n/home/ec2-user\nbash", 0},
		{"root", ssh + "root@10.254.1.2 'id -u; pwd'", "0\n/root", 0},
		{"its status", at + "exit 37", "", 37},
		{"a signal", at + "'kill -TERM $$'", "", 255},
		{"no such command", at + "no-such-command 2>/dev/null", "", 127},
		{"errors apart", at + "'echo out; echo err >&2' 2>/dev/null", "out", 0},
		{"input", "echo hello | " + at + "'tr a-z A-Z'", "HELLO", 0},
		{"a login shell", "echo 'shopt -q login_shell && echo yes' | " + at, "yes", 0},
		{"variables", "GREETING=hello " + ssh + "-o SendEnv=GREETING ec2-user@10.254.1.2 'echo $GREETING $USER $HOME $SHELL; echo ${SSH_CONNECTION%% *}'",
			"hello ec2-user /home/ec2-user /bin/bash\n10.254.1.3", 0},
		{"64 MiB there and back", "head -c 64M /dev/urandom > /root/data; " + at + "cat < /root/data | cmp - /root/data && echo same", "same", 0},
		{"no terminal", at + "'test -t 0 || echo none'", "none", 0},
		{"no rights beyond the user's", at + "'touch /etc/mine 2>/dev/null || echo refused'", "refused", 0},
		{"the instance's cgroup", ssh + "root@10.254.1.2 'cmp /proc/self/cgroup /proc/1/cgroup && echo same'", "same", 0},
		{"the instance's rights", ssh + "root@10.254.1.2 'grep CapBnd /proc/self/status'", mustRun(t, f, sshServer, "grep CapBnd /proc/self/status"), 0},
		{"something left running", at + "'sleep 1000 >/dev/null 2>&1 & echo started'", "started", 0},
		{"and it runs on", at + "'sleep 0.1; pgrep -c -x sleep'", "1", 0},

		{"another key", "ssh-keygen -q -t rsa -N '' -f /root/other; " + strings.Replace(at, "/root/key", "/root/other", 1) + "true 2>&1", "ec2-user@10.254.1.2: Permission denied (publickey).", 255},
		{"another user", ssh + "ubuntu@10.254.1.2 true 2>&1", "ubuntu@10.254.1.2: Permission denied (publickey).", 255},
		{"a user of the system's", ssh + "nobody@10.254.1.2 true 2>&1", "nobody@10.254.1.2: Permission denied (publickey).", 255},
		{"a password", "ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o PubkeyAuthentication=no -o BatchMode=yes ec2-user@10.254.1.2 true 2>&1",
			"ec2-user@10.254.1.2: Permission denied (publickey).", 255},

		{"the right key among others", strings.Replace(at, "-i /root/key", "-o IdentitiesOnly=yes -i /root/other -i /root/key", 1) + "id -un", "ec2-user", 0},
		{"all rights by sudo", at + "'command -v sudo >/dev/null && exec sudo -n id -u; echo 0'", "0", 0},
		{"a key added", "ssh-keygen -y -f /root/other | " + at + "'cat >> .ssh/authorized_keys'; " + strings.Replace(at, "/root/key", "/root/other", 1) + "id -un", "ec2-user", 0},
		{"the host's name", "ssh-keyscan -t ecdsa 10.254.1.2 2>/dev/null | cut -d' ' -f2", "ecdsa-sha2-nistp256", 0},
		{"keepalives", at + "-o ServerAliveInterval=1 -o ServerAliveCountMax=1 'sleep 3; echo alive'", "alive", 0},
	} {
		got, status := run(t, f, sshClient, tt.script)
		if got != tt.want || status != tt.status {
			t.Errorf("%s: status %d, want %d, and\n%s\nwant\n%s", tt.what, status, tt.status, got, tt.want)
		}
	}
}

// A terminal is one: programs see its size change, and its keys make signals.
func TestSSHTerminal(t *testing.T) {
	f := sshPair(t)
	program, err := os.ReadFile(filepath.Join("testdata", "terminal.py"))
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, f, sshClient, "cat > /root/terminal.py <<'END'\n"+string(program)+"END")
	for _, tt := range []struct{ what, script, want string }{
		{"a terminal", ssh + "-tt ec2-user@10.254.1.2 'tty; echo $TERM; stat -c %U $(tty)' | tr -d '\\r'", "/dev/pts/0\nxterm\nec2-user"},
		{"keys", "python3 /root/terminal.py " + ssh + "-tt ec2-user@10.254.1.2", "5"},
		// Whoever programs for a terminal decides about ends of lines.
		{"bytes as they are", ssh + "-tt ec2-user@10.254.1.2 'stty -opost; printf \"a\\nb\\n\"' | od -An -c | tr -d ' '", `a\nb\n`},
	} {
		if got := mustRun(t, f, sshClient, "export TERM=xterm; "+tt.script); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.what, got, tt.want)
		}
	}
}

// Whatever a session runs ends with its connection, and no other does.
func TestSSHSessionsEnd(t *testing.T) {
	f := sshPair(t)
	mustRun(t, f, sshClient, "for n in 1 2 3 4; do "+ssh+"-f ec2-user@10.254.1.2 \"exec sleep 10$n\" >/dev/null 2>&1; done; "+
		ssh+"-f -tt ec2-user@10.254.1.2 'exec sleep 105' >/dev/null 2>&1")
	running := func(want string) func() bool {
		return func() bool {
			got, _ := run(t, f, sshServer, "pgrep -a -x sleep | cut -d' ' -f3 | sort | paste -s -d' '")
			return got == want
		}
	}
	eventually(t, "five sessions", running("101 102 103 104 105"))
	mustRun(t, f, sshClient, "pkill -f '[e]xec sleep 103'; pkill -f '[e]xec sleep 105'")
	eventually(t, "the end of two", running("101 102 104"))
}

func TestSSHFiles(t *testing.T) {
	f := sshPair(t)
	options := strings.TrimPrefix(ssh, "ssh ")
	for _, tt := range []struct{ what, script, want string }{
		{"by sftp", "head -c 8M /dev/urandom > /root/a; scp " + options + "/root/a ec2-user@10.254.1.2:b && scp " + options + "ec2-user@10.254.1.2:/home/ec2-user/b /root/c && cmp /root/a /root/c && echo same", "same"},
		{"by the old protocol", "scp -O " + options + "/root/a ec2-user@10.254.1.2:d && " + ssh + "ec2-user@10.254.1.2 cmp b d && echo same", "same"},
		{"as the user", ssh + "ec2-user@10.254.1.2 stat -c %U:%a b", "ec2-user:644"},
		{"not beyond the user's rights", "scp " + options + "/root/a ec2-user@10.254.1.2:/etc/mine 2>&1 | grep -o 'ermission denied'", "ermission denied"},
		{"by commands", "printf 'pwd\\nmkdir dir\\nrename b dir/e\\nls dir\\n' | sftp " + options + "-b - ec2-user@10.254.1.2 | grep -v '^sftp>'", "Remote working directory: /home/ec2-user\ndir/e"},
	} {
		if got := mustRun(t, f, sshClient, tt.script); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.what, got, tt.want)
		}
	}
}

// A client reaches through an instance what only the instance does.
func TestSSHForwarding(t *testing.T) {
	f := sshPair(t)
	mustRun(t, f, sshClient, ssh+"-f -N -o ExitOnForwardFailure=yes -L 8080:localhost:80 -L 8081:localhost:81 ec2-user@10.254.1.2 >/dev/null 2>&1")
	if got, want := mustRun(t, f, sshClient, "curl -sS http://127.0.0.1:8080/"), "instance "+sshServer+"\naddress 10.254.1.2\npeer 127.0.0.1"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, status := run(t, f, sshClient, "curl -sS http://127.0.0.1:8081/"); status == 0 {
		t.Error("a port that nobody listens on answers")
	}
	if got := mustRun(t, f, sshClient, ssh+"-o ProxyCommand='"+ssh+"-W %h:%p ec2-user@10.254.1.2' root@127.0.0.1 hostname"); got != "ip-10-254-1-2" {
		t.Errorf("through the instance to itself: %s", got)
	}
}

// Without a key pair an instance lets nobody in, not even by the keys that the
// host's own users have. Its host keys are its own, stay, and are told.
func TestSSHWithoutKeyPair(t *testing.T) {
	f := open(t)
	m := instance(0x102)
	boot(t, f, m)
	mustRun(t, f, m.ID, "ssh-keygen -q -t ed25519 -N '' -f /root/key")
	for _, user := range []string{"root", "ec2-user"} {
		got, status := run(t, f, m.ID, ssh+user+"@127.0.0.1 true 2>&1")
		if status != 255 || got != user+"@127.0.0.1: Permission denied (publickey)." {
			t.Errorf("status %d\n%s", status, got)
		}
	}
	scan := func() string { return mustRun(t, f, m.ID, "ssh-keyscan 127.0.0.1 2>/dev/null | cut -d' ' -f2- | sort") }
	first := scan()
	if lines := strings.Split(first, "\n"); len(lines) != 2 {
		t.Errorf("the host keys are\n%s", first)
	}
	for line := range strings.Lines(first) {
		if count(t, f, m.ID, strings.TrimSpace(line)+" root@ip-10-254-1-2\n") != 1 {
			t.Errorf("the console does not say %s", line)
		}
	}
	print := mustRun(t, f, m.ID, "ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null | ssh-keygen -l -f - | cut -d' ' -f2")
	if count(t, f, m.ID, "ec2: 256 "+print+" root@ip-10-254-1-2 (ED25519)\n") != 1 {
		t.Errorf("the console does not have the fingerprint %s", print)
	}
	boot(t, f, m)
	if second := scan(); first != second {
		t.Errorf("host keys\n%s\nbecame\n%s", first, second)
	}
	other := instance(0x103)
	boot(t, f, other)
	if theirs := mustRun(t, f, other.ID, "ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null | cut -d' ' -f3"); strings.Contains(first, theirs) {
		t.Error("two instances have one key")
	}
}
