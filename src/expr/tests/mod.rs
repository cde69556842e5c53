//! Tests of whole programs, without an interpreter.
