package api

import (
	"context"
	"errors"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type instanceInput struct {
	dryRun
	ID string `aws:"InstanceId,required"`
}

type modifyMetadataInput struct {
	instanceInput
	metadataInput
}

type modifyMetadataOutput struct {
	ID      string       `aws:"instanceId"`
	Options metadataItem `aws:"instanceMetadataOptions"`
}

// modifyMetadata implements ModifyInstanceMetadataOptions.
func (r *request) modifyMetadata(ctx context.Context, in *modifyMetadataInput) (*modifyMetadataOutput, error) {
	if err := in.check(""); err != nil {
		return nil, err
	}
	if in.metadataInput == (metadataInput{}) {
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "No parameters other than instance id have been specified")
	}
	out := &modifyMetadataOutput{ID: in.ID}
	_, err := r.changeInstance(ctx, in.ID, func(_ *store.Tx, i *vpc.Instance) error {
		in.change(&i.Metadata)
		out.Options = newMetadataItem(i.Metadata)
		return nil
	})
	return out, err
}

type modifyMaintenanceInput struct {
	instanceInput
	maintenanceInput
}

type modifyMaintenanceOutput struct {
	ID string `aws:"instanceId"`
	maintenanceItem
}

// modifyMaintenance implements ModifyInstanceMaintenanceOptions. No hardware
// fails: instances only show what they are asked for.
func (r *request) modifyMaintenance(ctx context.Context, in *modifyMaintenanceInput) (*modifyMaintenanceOutput, error) {
	if err := checkChoices(choice{"AutoRecovery", in.AutoRecovery, []string{recoveryDefault, recoveryDisabled}}); err != nil {
		return nil, err
	}
	out := &modifyMaintenanceOutput{ID: in.ID}
	_, err := r.changeInstance(ctx, in.ID, func(_ *store.Tx, i *vpc.Instance) error {
		if in.AutoRecovery != "" {
			i.NoAutoRecovery = in.AutoRecovery == recoveryDisabled
		}
		out.maintenanceItem = newMaintenanceItem(i)
		return nil
	})
	return out, err
}

type modifyNamesInput struct {
	instanceInput
	HostnameType string `aws:"PrivateDnsHostnameType"`
	A            bool   `aws:"EnableResourceNameDnsARecord"`
	AAAA         bool   `aws:"EnableResourceNameDnsAAAARecord"`
}

// modifyNames implements ModifyPrivateDnsNameOptions. Instances have names by
// their addresses, and no others.
func (r *request) modifyNames(ctx context.Context, in *modifyNamesInput) (*returnOutput, error) {
	names := namesInput{in.HostnameType, in.A, in.AAAA}
	if err := names.check("", "PrivateDnsHostnameType"); err != nil {
		return nil, err
	}
	return r.changeInstance(ctx, in.ID, func(*store.Tx, *vpc.Instance) error { return nil })
}

type modifyCreditsInput struct {
	dryRun
	Instances   []instanceCreditsInput `aws:"InstanceCreditSpecification,required"`
	ClientToken string                 `aws:"ClientToken"`
}

type instanceCreditsInput struct {
	ID      string `aws:"InstanceId"`
	Credits string `aws:"CpuCredits"`
}

type modifyCreditsOutput struct {
	Done   []changedCreditsItem   `aws:"successfulInstanceCreditSpecificationSet"`
	Failed []unchangedCreditsItem `aws:"unsuccessfulInstanceCreditSpecificationSet"`
}

type changedCreditsItem struct {
	ID string `aws:"instanceId"`
}

type unchangedCreditsItem struct {
	ID    string          `aws:"instanceId"`
	Error creditErrorItem `aws:"error"`
}

type creditErrorItem struct {
	Code    vpc.Code `aws:"code"`
	Message string   `aws:"message"`
}

// modifyCredits implements ModifyInstanceCreditSpecification. It changes those
// instances that it can, and says of each other why it does not.
func (r *request) modifyCredits(ctx context.Context, in *modifyCreditsInput) (*modifyCreditsOutput, error) {
	const action = "ModifyInstanceCreditSpecification"
	if err := checkClientToken(in.ClientToken); err != nil {
		return nil, err
	}
	var out *modifyCreditsOutput
	err := r.update(ctx, func(tx *store.Tx) error {
		out = &modifyCreditsOutput{}
		done, err := r.doneBefore(tx, action, in.ClientToken)
		if err != nil {
			return err
		}
		for _, wanted := range in.Instances {
			if !isCredits(wanted.Credits) {
				return errCredits(wanted.Credits)
			}
			i, fault := r.creditable(tx.Reader, wanted)
			if fault != nil {
				out.Failed = append(out.Failed, unchangedCreditsItem{wanted.ID, creditErrorItem{fault.Code, fault.Message}})
				continue
			}
			out.Done = append(out.Done, changedCreditsItem{wanted.ID})
			if done == nil {
				changed := *i
				changed.CPUCredits = wanted.Credits
				tx.PutInstance(&changed)
			}
		}
		if done == nil {
			r.remember(tx, in.ClientToken, store.Token{Action: action})
		}
		return nil
	})
	return out, err
}

// creditable finds the instance whose credits are to be changed, or says why that
// cannot be.
func (r *request) creditable(reader store.Reader, wanted instanceCreditsInput) (*vpc.Instance, *vpc.Error) {
	found, err := r.instances(reader, []string{wanted.ID})
	if fault, ok := errors.AsType[*vpc.Error](err); ok {
		return nil, fault
	}
	i := found[0]
	switch {
	case i.State != vpc.Running && i.State != vpc.Stopped:
		return nil, vpc.Errorf(vpc.IncorrectInstanceState, "The instance '%s' is not in the 'running' or 'stopped' state.", i.ID)
	case !isBurstable(i.Type):
		return nil, vpc.Errorf(vpc.InstanceCreditSpecificationNotSupported, "The instance type %s has no CPU credits.", i.Type)
	}
	return i, nil
}
