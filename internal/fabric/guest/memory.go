package guest

import "fmt"

// How many such file systems a machine's memory would hold. Together they leave
// a sixteenth to its programs: the kernel cannot take files back from a machine
// that needs memory, and would kill its init in the end.
const (
	tmpShare   = 2
	layerShare = 4 // changes to files, where the disk cannot hold them
	shmShare   = 8
	runShare   = 16
)

// tmpfsOptions are those of a file system in memory that may fill a share of
// the machine's.
func (s *Spec) tmpfsOptions(mode string, share int64) string {
	if s.Memory == 0 {
		return "mode=" + mode
	}
	return fmt.Sprintf("mode=%s,size=%d", mode, s.Memory/share)
}
