// Package response has what our endpoints share: they read a body within a time
// and a size limit ([ReadJSON], [ReadForm], [TimeBodyFor]), answer JSON
// ([WriteJSON], [WriteError]), redirect ([Redirect]), and stream events
// ([Stream]). Headers stay within what nginx accepts ([HeaderFits]).
//
// It imports internal/request and the standard library, and knows neither
// WeChat nor sessions.
package response
