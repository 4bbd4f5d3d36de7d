// Package canonicaltest holds what the tests of the canonical forms, of the
// verifier and of the emulator share: the interpreters that JovePay's reference
// verifiers run on, the vectors that they made, and the bodies that are rejected
// whoever signed them.
package canonicaltest
