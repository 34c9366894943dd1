package datasim

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// fenceOp is what happened to one database's fences: a fence, fences taken back, a write that was committed or
// refused.
type fenceOp struct {
	call, done int64
	epoch      int64
	low, high  int
	bucket     int
	write      bool
	refused    bool
	unfence    bool
}

// fenceModel is what a fence means: a write is committed only while no newer fence covers its bucket, and
// refused only while one does.
func fenceModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return []fenceOp(nil) },
		Step: func(state, input, _ any) (bool, any) {
			fences, op := state.([]fenceOp), input.(fenceOp)
			switch {
			case op.unfence:
				var left []fenceOp
				for _, f := range fences {
					if f.epoch <= op.epoch {
						left = append(left, f)
					}
				}
				return true, left
			case !op.write:
				return true, append(append([]fenceOp(nil), fences...), op)
			}
			covered := false
			for _, f := range fences {
				covered = covered || f.epoch > op.epoch && f.low <= op.bucket && f.high > op.bucket
			}
			return covered == op.refused, fences
		},
		Equal: func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) },
	}
}

// linear says whether a history of one database is one that a fence allows.
func linear(ops []fenceOp) bool {
	list := make([]porcupine.Operation, len(ops))
	for i, op := range ops {
		list[i] = porcupine.Operation{ClientId: i % 8, Input: op, Call: op.call, Return: op.done}
	}
	return porcupine.CheckOperations(fenceModel(), list)
}
