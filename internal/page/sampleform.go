package page

// sampleTask is the data of form.js that draws an example of a form: nothing is
// stored, and nothing is sent. The gateway itself never gives this task.
type sampleTask struct {
	Task   string       `json:"task"`
	Other  bool         `json:"other,omitempty"`
	Record sampleRecord `json:"record"`
}

type sampleRecord struct {
	Action string     `json:"action"`
	Form   sampleForm `json:"form"`
}

type sampleForm struct {
	Fields [][3]string `json:"fields"` // name, value, kind
}

// formStates returns the pages about a form that was not sent, in the states
// that visitors meet.
func formStates() []state {
	everything := states()[0].page
	everything.Data, everything.Other = nil, false
	unsent := func(cause Cause) Page {
		p := everything
		p.Cause = cause
		return p
	}
	waits := func(other bool, more ...[3]string) Page {
		p := everything
		p.Other, p.Data = other, sampleTask{Task: "show", Other: other, Record: sampleRecord{Action: "/apply?id=7", Form: sampleForm{append(more,
			// 李雷 in UTF-8; each byte is a character of windows-1252.
			[3]string{"name", "\u00e6\u009d\u017d\u00e9\u203a\u00b7", ""},
			[3]string{"phone", "13800000000", ""},
			[3]string{"remark", "two\r\nlines", ""},
		)}}}
		return p
	}
	return []state{
		{"consent_missing", unsent(ConsentMissing), SignInExpired},
		{"too_large", unsent(TooLarge), SignInExpired},
		{"incomplete", unsent(Incomplete), SignInExpired},
		{"form_waits", waits(false), Resend},
		{"files_again", waits(false, [3]string{"photo", "", "file"}), Resend},
		{"files_and_passwords_again", waits(false, [3]string{"photo", "", "file"}, [3]string{"password", "", "secret"}), Resend},
		{"other_person", waits(true), Resend},
	}
}
