package fabric

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// eventually waits until ok, which something that runs elsewhere makes true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come true", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// count is how often text is in the console of a machine.
func count(t testing.TB, f *Fabric, id, text string) int {
	t.Helper()
	console, _, err := f.Console(id)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(console), text)
}

// User data runs at the first boot, the image's command at each.
func TestProgramsAtBoot(t *testing.T) {
	f := open(t)
	var st unix.Statfs_t
	if err := unix.Statfs(f.dataDir, &st); err != nil || st.Type == unix.OVERLAYFS_SUPER_MAGIC {
		t.Skipf("the directory for temporary files is an overlay, which cannot keep an instance's changes (%v)", err)
	}
	m := instance(0x102)
	m.UserData = []byte("#!/bin/sh\necho user data runs as $(id -un)\ntouch /etc/made-by-user-data\n")
	m.Command = []string{"sh", "-c", "echo command runs"}
	for n := 1; n <= 2; n++ {
		m.Generation = n
		boot(t, f, m)
		eventually(t, "the command's end", func() bool { return count(t, f, m.ID, "program=sh status=0") == n })
		eventually(t, "the user data's end", func() bool { return count(t, f, m.ID, "user-data status=0") == 1 })
		if got := count(t, f, m.ID, "command runs\n"); got != n {
			t.Errorf("boot %d: the command ran %d times", n, got)
		}
		// It was started before the command, so this is not too early to look.
		if got := count(t, f, m.ID, "started\" program=/var/lib/instance/user-data"); got != 1 {
			t.Errorf("boot %d: user data ran %d times", n, got)
		}
		// The instance's files live as long as it does.
		mustRun(t, f, m.ID, "test -e /etc/made-by-user-data")
	}
	if err := f.Remove(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	boot(t, f, m)
	eventually(t, "the user data's end", func() bool { return count(t, f, m.ID, "user-data status=0") == 1 })
	if got := count(t, f, m.ID, "user data runs as root\n"); got != 1 {
		t.Errorf("as a new instance: user data ran %d times", got)
	}
}

func TestUserDataThatIsNoScript(t *testing.T) {
	f := open(t)
	m := instance(0x102)
	m.UserData = []byte("just some text")
	boot(t, f, m)
	if got := count(t, f, m.ID, "user-data"); got != 0 {
		t.Error("text was run")
	}
}

// A program may say as much as it likes; the console keeps the end of it.
func TestConsoleIsBounded(t *testing.T) {
	f := open(t)
	m := instance(0x102)
	m.Command = []string{"sh", "-c", "yes this is a line | head -n 100000; echo that was it"}
	boot(t, f, m)
	eventually(t, "the command's end", func() bool { return count(t, f, m.ID, "program=sh status=0") == 1 })
	info, err := os.Stat(f.consolePath(m.ID))
	if err != nil || info.Size() > 256<<10 {
		t.Errorf("the console has %d bytes (%v)", info.Size(), err)
	}
	text, at, err := f.Console(m.ID)
	if err != nil || at.Before(info.ModTime()) || len(text) > 64<<10 || !strings.Contains(string(text), "this is a line\nthat was it\n") {
		t.Errorf("%d bytes of console do not have the end (%v)", len(text), err)
	}
}
