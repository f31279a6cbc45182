// Package live watches the requests that run, and cuts those whose session ends
// meanwhile.
//
//   - A [List] has all requests that were let in by one store with one set of keys and
//     times. Each is a [Running], a part of what its [Owner] keeps of the request anyway:
//     to watch it costs no memory of its own.
//   - Every round the list asks the owners whether the session still holds. A clear no
//     cuts the request ([Over]); a store that cannot be asked cuts nothing.
//   - After a reload a request goes on only as far as the configuration in force has a
//     [Place] for it.
//
// It imports session for ids and errors, and knows no store, no site and no account: its
// owners do.
package live
