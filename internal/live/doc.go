// Package live watches running requests and cuts those whose session ends.
//
//   - A [List] has all requests that were let in by one store with one set of
//     keys and times. Each is a [Running], which is part of its request's own
//     record ([Watched]), so that watching needs no further memory.
//   - In every round the list asks the requests whether the session is still
//     valid. If it is not, it cuts the request ([Over]). A store that does not
//     answer cuts nothing.
//   - After a reload a request goes on only if the configuration in force has a
//     [Successor] for it.
//
// It imports session for ids and errors. It knows no store, no site and no
// account: the watched requests do.
package live
