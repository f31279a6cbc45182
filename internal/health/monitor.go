package health

// Monitor makes the checks of a gateway. It is safe for concurrent use.
type Monitor struct{ probes []*probe }

// NewMonitor returns a Monitor of these checks.
func NewMonitor(checks ...Check) *Monitor {
	m := new(Monitor)
	for _, c := range checks {
		m.probes = append(m.probes, &probe{Check: c})
	}
	return m
}

// Ask returns the results, none of them older than a second, in the order of
// the checks. It returns within about a second.
func (m *Monitor) Ask() Report {
	flights := make([]*flight, len(m.probes))
	for i, p := range m.probes { // all at once
		flights[i] = p.begin()
	}
	report := make(Report, len(m.probes))
	for i, p := range m.probes {
		report[i] = p.result(flights[i])
	}
	return report
}

// Report has the result of each part.
type Report []Result

// Ready reports whether all parts can serve.
func (r Report) Ready() bool {
	for _, result := range r {
		if result.State != OK {
			return false
		}
	}
	return true
}
