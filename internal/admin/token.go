package admin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// tokenLabel keeps the token apart from everything else that is derived from a cluster's secret.
const tokenLabel = "barista operator token 1"

// Token returns what proves an operator of a cluster, wherever he is: 64 hexadecimal digits. It follows from the cluster's secret and id, and
// tells nothing of the secret.
func Token(secret []byte, cluster [16]byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(tokenLabel))
	mac.Write(cluster[:])
	return hex.EncodeToString(mac.Sum(nil))
}

// ValidToken reports whether a text has the form of a token.
func ValidToken(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == 2*sha256.Size
}
