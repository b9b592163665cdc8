//! Some seeds go well, the same way each time; and bugs that are made on purpose are found.
//!
//! `cargo xtask simulate --seeds 100000` looks further.

use settee_simulator::{Report, Sabotage, Tally, Trace, simulate};

fn play(seed: u64, sabotage: Sabotage) -> Report {
    simulate(seed, sabotage, Trace::silent())
}

/// Plays seeds that nobody else plays, and returns what happened in them.
fn all_go_well(seeds: std::ops::Range<u64>) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let report = play(seed, Sabotage::None);
        assert_eq!(report.outcome, Ok(()), "cargo xtask simulate --seed {seed}");
        tally.add(&report.tally);
    }
    tally
}

/// The first seed that goes wrong, and how.
fn first_found(sabotage: Sabotage) -> Option<(u64, String)> {
    (0..1_000).find_map(|seed| Some((seed, play(seed, sabotage).outcome.err()?.to_string())))
}

#[test]
fn some_seeds_go_well() {
    let tally = all_go_well(0..100);
    for fault in [
        "fault: a connection breaks",
        "fault: a connection goes silent",
        "fault: a connection stalls",
        "fault: a frame comes twice",
        "fault: a frame lost, and all after it",
        "fault: a partition",
        "fault: client dies",
        "fault: client dies before a commit",
        "fault: client dies after a commit",
        "fault: a client has no room to save",
        "fault: server dies",
        "fault: server dies before a commit",
        "fault: server dies after a commit",
        "fault: server can't commit",
        "fault: a backup is restored",
        "fault: a disk is rolled back",
        "fault: a database is deleted",
        "databases compared",
        "offers",
        "edits saved",
    ] {
        assert!(tally.of(fault) > 0, "{fault}: never\n{tally}");
    }
}

#[test]
fn other_seeds_go_well() {
    all_go_well(100..200);
}

#[test]
fn yet_other_seeds_go_well() {
    all_go_well(200..300);
}

#[test]
fn a_seed_is_played_the_same_way_each_time() {
    let [one, other] = [7, 7].map(|seed| play(seed, Sabotage::None));
    assert_eq!(one.trace.fingerprint(), other.trace.fingerprint());
    assert_eq!(one.tally, other.tally);
    assert_ne!(one.trace.fingerprint(), play(8, Sabotage::None).trace.fingerprint());
}

#[test]
fn checkpoints_that_run_ahead_are_found() {
    let (seed, found) = first_found(Sabotage::CheckpointFirst).expect("it is found");
    assert!(found.contains("has a checkpoint of"), "seed {seed}: {found}");
}

#[test]
fn acknowledgements_that_run_ahead_are_found() {
    let (seed, found) = first_found(Sabotage::EarlyAcknowledgement).expect("it is found");
    assert!(found.contains("was acknowledged"), "seed {seed}: {found}");
}

#[test]
fn refusals_that_get_lost_are_found() {
    let (seed, found) = first_found(Sabotage::LostRefusal).expect("it is found");
    assert!(found.contains("was acknowledged"), "seed {seed}: {found}");
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
