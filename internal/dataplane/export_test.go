package dataplane

import "ringfence/internal/policy"

// RunInStep is Run for Options.Step, which is called with the lock held.
func (d *Dataplane) RunInStep(port policy.Port, frame []byte) (policy.Verdict, error) {
	v, _, err := d.run(&d.objects.kernelPrograms, port, frame)
	return v, err
}
