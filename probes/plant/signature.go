package plant

import (
	"io"
	"os"
	"regexp"
)

// nonceDigits is the length of a round's nonce, in hexadecimal digits.
const nonceDigits = 32

var nonceForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// signature reads the nonce with which a probe signed a regular file, at its
// beginning. Others may write there too, and what is no nonce is nobody's sign.
func signature(node *os.Root, name string) (nonce string, ok bool) {
	info, err := node.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	file, err := node.Open(name)
	if err != nil {
		return "", false
	}
	defer func() { _ = file.Close() }()
	content := make([]byte, nonceDigits)
	n, _ := io.ReadFull(file, content)
	return string(content[:n]), nonceForm.Match(content[:n])
}
