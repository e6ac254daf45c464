package guest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ringfence/internal/fabric/initproto"
)

// userDataDir keeps the user data in an instance's own file system, and with it
// that it has run.
const userDataDir = "/var/lib/instance"

// startPrograms starts what the image runs at each boot, and user data that is
// a script at the first one, as cloud-init does (EC2 User Guide, "Run commands
// when you launch an EC2 instance with user data input").
func (m *machine) startPrograms() error {
	err := m.startUserData()
	if len(m.spec.Command) > 0 {
		err = errors.Join(err, m.startProgram(m.spec.Command))
	}
	return err
}

func (m *machine) startUserData() error {
	if m.spec.Kind != Instance || !bytes.HasPrefix(m.spec.UserData, []byte("#!")) {
		return nil
	}
	script, ran := filepath.Join(userDataDir, "user-data"), filepath.Join(userDataDir, "user-data.ran")
	if _, err := os.Stat(ran); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(userDataDir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(script, m.spec.UserData, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(ran, nil, 0o600); err != nil {
		return err
	}
	return m.startProgram([]string{script})
}

// startProgram starts args with the console as output, and reports there how
// it ends.
func (m *machine) startProgram(args []string) error {
	p, err := prepare(&initproto.Command{Args: args})
	if err != nil {
		return fmt.Errorf("find program: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	p.files = [3]*os.File{null, m.console, m.console}
	_, ended, err := m.children.start(p)
	if err != nil {
		return fmt.Errorf("start %s: %w", args[0], err)
	}
	m.log.Info("program started", "program", args[0])
	go func() {
		m.log.Info("program ended", "program", args[0], "status", exitStatus(<-ended))
		if m.spec.Kind == Balancer {
			m.shutdown()
		}
	}()
	return nil
}
