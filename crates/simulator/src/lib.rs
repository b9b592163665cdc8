//! Settee.
