package awsquery

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ringfence/internal/vpc"
)

// botocore, the other implementation at hand, calls a server made of this
// package. Names hold what the two could encode differently.
func TestBotocoreIsUnderstood(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil || exec.Command(python, "-c", "import botocore").Run() != nil {
		t.Skip("python3 with botocore is not installed (Debian: python3-botocore)")
	}
	server := httptest.NewServer(http.HandlerFunc(serveBotocore))
	defer server.Close()

	for _, name := range []string{"web", "a b+c/d~e*f=g&h", "é世%20", `'"<>;,`} {
		out, err := exec.Command(python, "testdata/botocore_client.py", server.URL, name).CombinedOutput()
		want := `["` + strings.NewReplacer(`"`, `\"`, "é", `\u00e9`, "世", `\u4e16`).Replace(name) +
			`", "111122223333", 200, ["InvalidGroup.NotFound", "no 'missing'", "r-1"]]`
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: error %v\n got %s\nwant %s", name, err, got, want)
		}
	}
}

// serveBotocore answers two actions, and refuses the group called missing.
func serveBotocore(w http.ResponseWriter, r *http.Request) {
	reply := func(s Service, version string, err error, answer func() []byte) {
		body := []byte(nil)
		if err != nil {
			e := vpc.Errorf(vpc.CodeOf(err), "%s", strings.TrimPrefix(err.Error(), string(vpc.CodeOf(err))+": "))
			w.WriteHeader(Status(e.Code))
			body = EncodeError(s, version, "r-1", e)
		} else {
			body = answer()
		}
		_, _ = w.Write(body) // a client that is gone is the test's failure already
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		reply(EC2, "", err, nil)
		return
	}
	call, err := ParseCall(r, body)
	if err != nil {
		reply(EC2, "", err, nil)
		return
	}
	_, err = Received{r, body, call, EC2}.Verify(exampleSecrets, time.Now())
	if err != nil {
		reply(EC2, call.Version, err, nil)
		return
	}
	if call.Action == "GetCallerIdentity" {
		out := struct {
			Account string `aws:"Account"`
		}{"111122223333"}
		reply(ClaimedService(r, call), call.Version, nil, func() []byte {
			return EncodeResponse(ClaimedService(r, call), call.Action, call.Version, "r-1", &out)
		})
		return
	}
	var in struct {
		Names   []string `aws:"GroupName,required"`
		Filters []struct {
			Name   string   `aws:"Name"`
			Values []string `aws:"Value"`
		} `aws:"Filter"`
	}
	unknown, err := Decode(EC2, call.Version, call.Params, &in)
	switch {
	case err != nil:
	case len(unknown) > 0:
		err = vpc.Errorf(vpc.UnknownParameter, "The parameter %s is not recognized", unknown[0])
	case in.Names[0] == "missing":
		err = vpc.Errorf(vpc.InvalidGroupNotFound, "no 'missing'")
	case len(in.Filters) != 1 || len(in.Filters[0].Values) != 2 || in.Filters[0].Values[0] != in.Names[0]:
		err = vpc.Errorf(vpc.InvalidParameterValue, "the filters are %q", in.Filters)
	}
	reply(EC2, call.Version, err, func() []byte {
		type group struct {
			Name string `aws:"groupName"`
		}
		out := struct {
			Groups []group `aws:"securityGroupInfo"`
		}{[]group{{in.Names[0]}}}
		return EncodeResponse(EC2, call.Action, call.Version, "r-1", &out)
	})
}
