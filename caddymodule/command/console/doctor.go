package console

import (
	"net/http"
	"slices"

	"github.com/caddy-wechat/gateway/internal/doctor"
)

// doctorPage is a report, or none yet.
type doctorPage struct {
	Findings []finding
	Counts   []statusCount // by outcome, the worst first
}

// finding is the outcome of one check, in the operator's language.
type finding struct{ Status, Word, Check, Subject, Says, Fix string }

// statusCount is how many checks had an outcome.
type statusCount struct {
	Status, Word string
	Count        int
}

// showDoctor says what an examination does.
func (v *visit) showDoctor() error {
	v.show(page{name: "doctor", data: doctorPage{}})
	return nil
}

// examine runs the doctor, and shows the report.
func (v *visit) examine() error {
	if !v.console.examining.TryLock() {
		return problem{status: http.StatusConflict, text: "examining"}
	}
	defer v.console.examining.Unlock()
	report, err := v.console.config.Examine(v.r.Context())
	if err != nil {
		return err
	}
	v.show(page{name: "doctor", data: newDoctorPage(report, v.language.short())})
	return nil
}

// newDoctorPage writes a report in a language, the worst findings first.
func newDoctorPage(r doctor.Report, l string) doctorPage {
	var p doctorPage
	order := []doctor.Status{doctor.Failure, doctor.Warning, doctor.Unknown, doctor.Pass}
	for _, status := range order {
		n := 0
		for _, f := range r.Findings {
			if f.Status == status {
				n++
				p.Findings = append(p.Findings, finding{status.String(), status.In(l), f.Check, f.Subject, f.Says.In(l), f.Fix().In(l)})
			}
		}
		if n > 0 {
			p.Counts = append(p.Counts, statusCount{status.String(), status.In(l), n})
		}
	}
	return doctorPage{slices.Clip(p.Findings), p.Counts}
}
