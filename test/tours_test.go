package test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestTours plays the tours, which look themselves whether everything is as the
// EC2 User Guide says, and whether they take away what they have made. That of
// three tiers is Mary's whole story: 29 servers, each scan and each connection.
func TestTours(t *testing.T) {
	d := start(t)
	needPrograms(t, "nmap", "telnet", "ssh")
	if list := d.run("tour"); !strings.Contains(list, "\nfirst ") || !strings.Contains(list, "\nthree-tier ") {
		t.Errorf("the tours are\n%s", list)
	}
	play := func(want int, args ...string) string {
		t.Helper()
		told := d.run(append([]string{"tour"}, args...)...)
		if !strings.Contains(told, "Everything was as the guide says.") || strings.Count(told, "\nok: ") < 5 {
			t.Errorf("tour %v says\n%s", args, told)
		}
		left := 0
		for _, f := range records(d.run("ec2-describe-instances"), "INSTANCE") {
			if f[5] != "terminated" {
				left++
			}
		}
		if groups := records(d.run("ec2-describe-group"), "GROUP"); left != want || len(groups) != 1 {
			t.Errorf("after tour %v there are %d instances, want %d, and the groups %v", args, left, want, groups)
		}
		return told
	}
	play(0, "three-tier")
	if told := play(1, "first", "--keep"); !strings.Contains(told, "\nec2-terminate-instances i-") {
		t.Errorf("what is left is not told:\n%s", told)
	}
	play(1, "first") // whatever an earlier one has left

	if _, errs, status := d.try("tour", "grand"); status != 2 || !strings.Contains(errs, `there is no tour "grand"`) {
		t.Errorf("an unknown tour: status %d, %s", status, errs)
	}
	d.run("ec2-create-group", "apache", "-d", "somebody else's")
	out, errs, status := d.try("tour", "three-tier")
	if status != 1 || !strings.Contains(errs, "ec2-create-group apache") || !strings.Contains(out, "InvalidGroup.Duplicate") {
		t.Errorf("with a group in the way: status %d, %s%s", status, out, errs)
	}
	d.run("ec2-delete-group", "apache") // it has been left alone
}

// needPrograms skips a test of programs that are not there.
func needPrograms(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("needs %s", p)
		}
	}
}
