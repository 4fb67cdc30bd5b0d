package listener

import (
	"bufio"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"time"
)

// Words of the exchange.
const (
	greeting    = "katacert"
	wordMark    = "mark"
	wordTell    = "tell"
	answerNoted = "noted"
	answerEnd   = "end"
)

// Touch calls the listener at a TCP address, signs with the nonce and returns
// the banner. The banner is returned also with an error, if it was heard. All of
// it ends within the limit. Without an error the nonce stands in the listener's
// record.
func Touch(address, nonce string, limit time.Duration) (banner string, err error) {
	answers, banner, err := call("tcp", address, limit, func(string) string { return wordMark + " " + nonce })
	if err != nil {
		return banner, err
	}
	if len(answers) != 1 || answers[0] != answerNoted {
		return banner, fmt.Errorf("the listener on %s did not note the call", address)
	}
	return banner, nil
}

// Ask returns the record of the listener on an address of network "tcp" or
// "unix", for whoever has its key.
func Ask(network, address string, key []byte, limit time.Duration) ([]string, error) {
	answers, _, err := call(network, address, limit, func(challenge string) string { return wordTell + " " + proof(key, challenge) })
	if err != nil {
		return nil, err
	}
	if len(answers) == 0 || answers[len(answers)-1] != answerEnd {
		return nil, fmt.Errorf("the listener on %s did not tell its record to the end", address)
	}
	return answers[:len(answers)-1], nil
}

// call has one exchange: it answers the challenge and reads until the listener
// hangs up.
func call(network, address string, limit time.Duration, say func(challenge string) string) (answers []string, banner string, err error) {
	deadline := time.Now().Add(limit)
	connection, err := (&net.Dialer{Deadline: deadline}).Dial(network, address)
	if err != nil {
		return nil, "", fmt.Errorf("call a listener: %w", err)
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(deadline); err != nil {
		return nil, "", fmt.Errorf("bound the call to %s: %w", address, err)
	}
	lines := bufio.NewReaderSize(connection, maxLine)
	first, err := readLine(lines)
	if err != nil {
		return nil, "", fmt.Errorf("read the greeting of %s: %w", address, err)
	}
	words := strings.SplitN(first, " ", 3)
	if len(words) != 3 || words[0] != greeting {
		return nil, "", fmt.Errorf("somebody else answers on %s: %.80q", address, first)
	}
	if _, err := fmt.Fprintln(connection, say(words[1])); err != nil {
		return nil, words[2], fmt.Errorf("send to %s: %w", address, err)
	}
	for len(answers) <= maxNonces {
		line, err := readLine(lines)
		if err != nil {
			break // the end of what was told; the caller sees whether it is whole
		}
		answers = append(answers, line)
	}
	return answers, words[2], nil
}

func newChallenge() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	return hex.EncodeToString(random[:])
}

// proof shows knowledge of the key without telling it.
func proof(key []byte, challenge string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("katacert listener " + challenge))
	return hex.EncodeToString(mac.Sum(nil))
}

func proven(key []byte, challenge, given string) bool {
	return len(key) > 0 && hmac.Equal([]byte(proof(key, challenge)), []byte(given))
}
