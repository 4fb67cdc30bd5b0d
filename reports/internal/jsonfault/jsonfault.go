// Package jsonfault says of JSON that cannot be decoded what is wrong with the text,
// and nothing of the types of this program, which are no reader's business.
package jsonfault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// Of rewords an error of encoding/json; others it returns as they are.
func Of(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("it is %s, want %s", withArticle(kind.Value), wanted(kind.Type))
	case errors.As(err, &kind):
		return fmt.Errorf("field %s is %s, want %s", kind.Field, withArticle(kind.Value), wanted(kind.Type))
	case errors.Is(err, io.EOF):
		return errors.New("it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("its JSON ends too early")
	case errors.As(err, &syntax):
		return fmt.Errorf("after %d bytes: %w", syntax.Offset, err)
	default:
		return err
	}
}

// withArticle puts an article before the name of a JSON value, of which encoding/json
// has "number", "number 1e400", "string", "array", "object" and "bool".
func withArticle(value string) string {
	switch value {
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "bool":
		return "true or false"
	case "string":
		return "text"
	default:
		return "a " + value
	}
}

func wanted(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Pointer:
		return wanted(of.Elem())
	default:
		return "a number that fits"
	}
}
