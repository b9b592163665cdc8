//! Bugs that are made on purpose are found.

use settee_simulator::{Sabotage, Trace, simulate_with};

/// The first seed that goes wrong, and how.
fn first_found(sabotage: Sabotage) -> Option<(u64, String)> {
    (0..1_000).find_map(|seed| {
        let report = simulate_with(seed, sabotage, Trace::silent());
        Some((seed, report.outcome.err()?.to_string()))
    })
}

/// Whether somebody was told that the server has something which it hasn't: they say so, or go on to
/// show it.
fn is_missing(found: &str) -> bool {
    found.contains("was acknowledged") || found.contains("on the server None")
}

#[test]
fn checkpoints_that_run_ahead_are_found() {
    let (seed, found) = first_found(Sabotage::CheckpointFirst).expect("it is found");
    assert!(found.contains("has a checkpoint of"), "seed {seed}: {found}");
}

#[test]
fn acknowledgements_that_run_ahead_are_found() {
    let (seed, found) = first_found(Sabotage::EarlyAcknowledgement).expect("it is found");
    assert!(is_missing(&found), "seed {seed}: {found}");
}

#[test]
fn refusals_that_get_lost_are_found() {
    let (seed, found) = first_found(Sabotage::LostRefusal).expect("it is found");
    assert!(is_missing(&found), "seed {seed}: {found}");
}

#[test]
fn a_rollback_that_goes_unnoticed_is_found() {
    let (seed, found) = first_found(Sabotage::UnnoticedRollback).expect("it is found");
    assert!(
        found.contains("doesn't settle") || found.contains("a checkpoint of"),
        "seed {seed}: {found}"
    );
}

#[test]
fn a_view_that_depends_on_the_order_of_arrival_is_found() {
    let (seed, found) = first_found(Sabotage::ArrivalOrder).expect("it is found");
    assert!(found.contains("on the server"), "seed {seed}: {found}");
}

#[test]
fn a_revocation_that_nobody_is_told_of_is_found() {
    let (seed, found) = first_found(Sabotage::UntoldRevocation).expect("it is found");
    assert!(found.contains("who has no access"), "seed {seed}: {found}");
}
