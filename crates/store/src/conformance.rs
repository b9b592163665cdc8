//! What every back end has to pass.
