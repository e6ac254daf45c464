package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"ringfence/internal/awsquery"
)

func TestAConnectionIsOpenedAgainWhereTheEndpointEndsIt(t *testing.T) {
	callers := map[string]int{}
	calls := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		callers[r.RemoteAddr]++
		if calls++; calls == 2 {
			w.Header().Set("Connection", "close")
		}
		if calls == 3 {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, "<Response><Errors><Error><Code>DryRunOperation</Code><Message>no</Message></Error></Errors></Response>")
			return
		}
		fmt.Fprintf(w, "<DescribeVpcsResponse><nextToken>%d</nextToken></DescribeVpcsResponse>", calls)
	}))
	defer s.Close()
	c, err := Connect(s.URL, awsquery.Key{Access: "a", Secret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i, want := range []string{"1", "2", "", "4"} {
		var out struct {
			Next string `aws:"nextToken"`
		}
		err := c.Call(t.Context(), "DescribeVpcs", nil, &out)
		if _, refused := errors.AsType[*awsquery.ResponseError](err); refused != (i == 2) || out.Next != want {
			t.Errorf("call %d answers %q and %v, want %q", i, out.Next, err, want)
		}
	}
	if len(callers) != 2 {
		t.Errorf("calls come over %d connections, want 2: %v", len(callers), callers)
	}
}

func TestACallOfAnEndpointThatHangsEndsWithItsContext(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		interrupt()
		<-ended
	}))
	defer s.Close()
	defer close(ended)
	c, err := Connect(s.URL, awsquery.Key{Access: "a", Secret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	begin := time.Now()
	if err := c.Call(ctx, "DescribeVpcs", nil, &Nothing{}); err == nil || time.Since(begin) >= Patience {
		t.Errorf("the call ends with %v after %v", err, time.Since(begin))
	}
}

func TestAnEndpointIsOneOfHTTP(t *testing.T) {
	for endpoint, want := range map[string]string{
		"http://127.0.0.1:8773": "127.0.0.1:8773", "https://ec2.example": "ec2.example:https", "127.0.0.1:8773": "", "unix:///s": "",
	} {
		c, err := Connect(endpoint, awsquery.Key{})
		if (err == nil) != (want != "") || err == nil && c.host != want {
			t.Errorf("%s is connected to %+v, %v, want %q", endpoint, c, err, want)
		}
	}
}
