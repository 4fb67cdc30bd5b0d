package jsonfault_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports/internal/jsonfault"
)

func TestFaultsAreOfTheText(t *testing.T) {
	type inner struct {
		ID    string `json:"id"`
		Count int8   `json:"count"`
		Done  bool   `json:"done"`
	}
	for text, want := range map[string]string{
		`[1]`:                     "it is a list, want an object",
		`"x"`:                     "it is text, want an object",
		`{"run":{"id":5}}`:        "field run.id is a number, want text",
		`{"run":{"id":{}}}`:       "field run.id is an object, want text",
		`{"run":[]}`:              "field run is a list, want an object",
		`{"run":{"count":"x"}}`:   "field run.count is text, want a number that fits",
		`{"run":{"count":999}}`:   "field run.count is a number 999, want a number that fits",
		`{"run":{"done":1}}`:      "field run.done is a number, want true or false",
		`{"list":true}`:           "field list is true or false, want a list",
		``:                        "it is empty",
		`{"run":`:                 "its JSON ends too early",
		`{"run" 1}`:               "after 8 bytes: invalid character '1' after object key",
		`{"run":{"other":"one"}}`: `json: unknown field "other"`,
	} {
		var into struct {
			Run  *inner `json:"run"`
			List []int  `json:"list"`
		}
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := jsonfault.Of(decoder.Decode(&into)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if other := errors.New("other"); !errors.Is(jsonfault.Of(other), other) {
		t.Error("an error of others is reworded")
	}
}
