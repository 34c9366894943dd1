package conf

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Change is a leaf whose value differs between two configurations.
type Change struct {
	Path string `json:"path"`
	Old  string `json:"old"` // as one line of YAML; a secret as its reference
	New  string `json:"new"`
	Live bool   `json:"live"` // takes effect without a restart
}

// String is "path: old -> new".
func (c Change) String() string { return fmt.Sprintf("%s: %s -> %s", c.Path, c.Old, c.New) }

// Diff lists the leaves in which two configurations of one type differ, in the order of the type.
func Diff[T any](before, after T) []Change {
	a, b := reflect.ValueOf(&before).Elem(), reflect.ValueOf(&after).Elem()
	root := rootOf(a.Type())
	var changes []Change
	root.leaves(func(k *key) {
		x, y := a.FieldByIndex(k.index), b.FieldByIndex(k.index)
		if equal(x, y) {
			return
		}
		c := Change{Path: k.path, Old: line(x), New: line(y), Live: k.live}
		if c.Old == c.New {
			c.New += " (new content)" // a secret's file, or one within a list
		}
		changes = append(changes, c)
	})
	return changes
}

// equal compares values; no list and an empty one are the same.
func equal(x, y reflect.Value) bool {
	if k := x.Kind(); (k == reflect.Slice || k == reflect.Map) && x.Len() == 0 && y.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(x.Interface(), y.Interface())
}

// Live makes the configuration that a reload leads to: current with the live leaves of wanted, and
// says which changes it takes and which wait for a restart. The result is validated.
func Live[T any](current, wanted T) (next T, live, restart []Change, err error) {
	next = current
	to, from := reflect.ValueOf(&next).Elem(), reflect.ValueOf(&wanted).Elem()
	root := rootOf(to.Type())
	for _, c := range Diff(current, wanted) {
		if !c.Live {
			restart = append(restart, c)
			continue
		}
		k := root.find(c.Path)
		to.FieldByIndex(k.index).Set(from.FieldByIndex(k.index))
		live = append(live, c)
	}
	err = Validate(&next)
	return next, live, restart, err
}

// Applier puts the live keys of one section in force.
type Applier[T any] struct {
	Section string // such as log; every change below it concerns the applier
	Apply   func(T) error
}

// Apply has the appliers that the changes concern take next, in order. When one fails, it and those
// before it take current again, in reverse, and the error says what happened.
func Apply[T any](current, next T, changes []Change, appliers ...Applier[T]) error {
	taken := map[string]bool{}
	var done []Applier[T]
	for _, a := range appliers {
		concerned := false
		for _, c := range changes {
			if c.Path == a.Section || strings.HasPrefix(c.Path, a.Section+".") {
				concerned, taken[c.Path] = true, true
			}
		}
		if !concerned {
			continue
		}
		done = append(done, a)
		if err := a.Apply(next); err != nil {
			return errors.Join(fmt.Errorf("apply %s: %w", a.Section, err), undo(current, done))
		}
	}
	for _, c := range changes {
		if !taken[c.Path] {
			return errors.Join(fmt.Errorf("apply %s: nothing takes this key while running", c.Path), undo(current, done))
		}
	}
	return nil
}

func undo[T any](current T, done []Applier[T]) error {
	var errs []error
	for _, a := range slices.Backward(done) {
		if err := a.Apply(current); err != nil {
			errs = append(errs, fmt.Errorf("take back %s: %w", a.Section, err))
		}
	}
	return errors.Join(errs...)
}
