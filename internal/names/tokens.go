package names

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strconv"
	"time"
)

// tokens are the sessions of version 2 of the metadata service (EC2 User Guide,
// "Use the Instance Metadata Service to access instance metadata"). A token
// holds its own end, sealed with a key that lives as long as the daemon:
// nothing is kept, and a client whose token is refused asks for another.
type tokens struct{ key []byte }

const (
	tokenHeader = "X-Aws-Ec2-Metadata-Token"
	ttlHeader   = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
	tokenPath   = "/latest/api/token"
	maxTokenTTL = 21600 // seconds: six hours
)

func newTokens() *tokens {
	t := &tokens{key: make([]byte, sha256.Size)}
	rand.Read(t.key)
	return t
}

// issue answers PUT /latest/api/token.
func (t *tokens) issue(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Forwarded-For") != "" {
		status(w, http.StatusForbidden) // it came through a proxy, maybe from outside
		return
	}
	seconds, err := strconv.Atoi(r.Header.Get(ttlHeader))
	if err != nil || seconds < 1 || seconds > maxTokenTTL {
		status(w, http.StatusBadRequest)
		return
	}
	end := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()+int64(seconds)))
	w.Header().Set(ttlHeader, strconv.Itoa(seconds))
	text(w, "text/plain", base64.URLEncoding.EncodeToString(append(end, t.seal(end)...)))
}

// admit reports whether r carries a token that holds, or none where none is
// required: version 1 needs none.
func (t *tokens) admit(r *http.Request, required bool) bool {
	if _, ok := r.Header[tokenHeader]; !ok {
		return !required
	}
	token, err := base64.URLEncoding.DecodeString(r.Header.Get(tokenHeader))
	if err != nil || len(token) != 8+sha256.Size || !hmac.Equal(token[8:], t.seal(token[:8])) {
		return false
	}
	return time.Now().Unix() < int64(binary.BigEndian.Uint64(token))
}

func (t *tokens) seal(end []byte) []byte {
	h := hmac.New(sha256.New, t.key)
	h.Write(end)
	return h.Sum(nil)
}
