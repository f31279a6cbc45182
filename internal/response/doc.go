// Package response is what endpoints of ours do alike: they read a body in time and
// within a limit ([ReadJSON], [ReadForm]), answer JSON ([WriteJSON], [WriteError]),
// redirect ([Redirect]), and stream events ([Stream]). Headers stay within what nginx
// accepts ([HeaderFits]).
//
// It imports internal/request and the standard library, and knows neither WeChat nor
// sessions.
package response
