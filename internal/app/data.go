package app

import (
	"context"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// noData answers for the part that carries rows.
type noData struct{}

var errNoData = kind.New(kind.NotFound, "JD-DATA-001", "no migration of that name carries data: set spec.data")

func (noData) Status(string) (v1.DataStatus, error) { return v1.DataStatus{}, errNoData }
func (noData) Sample(context.Context, string, string, int) ([]v1.SampleMapping, error) {
	return nil, errNoData
}
func (noData) Diff(context.Context, string, v1.DiffRequest) (v1.DiffResult, error) {
	return v1.DiffResult{}, errNoData
}
func (noData) Repair(context.Context, string, v1.RepairRequest, v1.Identity) (v1.RepairResult, error) {
	return v1.RepairResult{}, errNoData
}
func (noData) Cases(string, bool) ([]v1.Case, error) { return nil, errNoData }
func (noData) Decide(context.Context, string, string, v1.CaseDecision, v1.Identity) (v1.Case, error) {
	return v1.Case{}, errNoData
}
func (noData) Parked(string) ([]v1.ParkedChange, error) { return nil, errNoData }
func (noData) Unpark(context.Context, string, string, bool, string, v1.Identity) error {
	return errNoData
}
func (noData) CloseWindow(context.Context, string, v1.Identity, string) (v1.DataStatus, error) {
	return v1.DataStatus{}, errNoData
}

type noEffects struct{}

func (noEffects) Report(v1.EffectReport) {}
func (noEffects) Effects(string) (v1.EffectsView, error) { return v1.EffectsView{}, errNoData }
