//! Some seeds go well, the same way each time.
//!
//! `cargo xtask simulate --seeds 100000` looks further, and so does `--permissions --seeds 10000`. Here are few, so
//! that the tests take half a minute.

use settee_simulator::{Plot, Report, Tally, Trace, simulate};

fn play(seed: u64) -> Report {
    simulate(seed, Plot::Storm, Trace::silent())
}

/// Checks that each of these has happened.
fn have_happened(tally: &Tally, all: &[&str]) {
    for what in all {
        assert!(tally.of(what) > 0, "{what}: never\n{tally}");
    }
}

/// Plays seeds that nobody else plays, and returns what happened in them.
fn all_go_well(seeds: std::ops::Range<u64>) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let report = play(seed);
        assert_eq!(report.outcome, Ok(()), "cargo xtask simulate --seed {seed}");
        tally.add(&report.tally);
    }
    tally
}

#[test]
fn some_seeds_go_well() {
    let tally = all_go_well(0..70);
    let all = [
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
        "fault: a profile is restored",
        "fault: a profile is cloned",
        "fault: access is revoked",
        "fault: a role is changed",
        "fault: a clock jumps",
        "fault: another tab takes over",
        "hostile: edits",
        "hostile: deletions",
        "hostile: revivals",
        "hostile: highest generations",
        "hostile: many merges",
        "hostile: many branches",
        "hostile: names of forgotten revisions",
        "hostile: leaves without contents",
        "hostile: wrong names",
        "hostile: invented ancestries",
        "hostile: claims about revisions",
        "hostile: claims about what isn't written yet",
        "hostile: messages sent again",
        "hostile: messages out of turn",
        "hostile: comparisons asked for",
        "hostile: writes of a viewer",
        "hostile: connections that the server ended",
        "clerk: commits with a request for which there is no place",
        "clerk: places given back",
        "clerk: a commit fails",
        "clerk: server dies before a commit",
        "clerk: server dies after a commit",
        "clerk: batches with what only it may say",
        "clients superseded",
        "databases compared",
        "offers",
        "edits saved",
    ];
    have_happened(&tally, &all);
}

#[test]
fn some_histories_of_permissions_go_well() {
    let mut tally = Tally::default();
    for seed in 0..60 {
        let report = simulate(seed, Plot::Permissions, Trace::silent());
        let again = "cargo xtask simulate --permissions --seed";
        assert_eq!(report.outcome, Ok(()), "{again} {seed}");
        tally.add(&report.tally);
    }
    let all = [
        "access: people invited",
        "access: invitations taken back",
        "access: invitations renamed",
        "access: invitations forged",
        "access: roles of invitations lowered",
        "access: ticks of helpers",
        "access: documents that helpers may not add",
        "clerk: places given back",
        "clerk: server dies after a commit",
        "access: links renewed",
        "access: links given away",
        "access: old links opened",
        "access: devices that asked again",
        "access: databases forgotten",
        "access: batches with what only an owner may say",
        "access: channels closed, because it was taken back",
        "access: devices that have it in the end",
        "access: devices that don't have it in the end",
        "fault: a backup is restored",
        "fault: a disk is rolled back",
        "fault: a database is deleted",
        "fault: a profile is restored",
        "fault: a profile is cloned",
        "hostile: edits",
        "hostile: writes of a viewer",
        "edits saved",
    ];
    have_happened(&tally, &all);
}

#[test]
fn other_seeds_go_well() {
    all_go_well(100..125);
}

#[test]
fn yet_other_seeds_go_well() {
    all_go_well(200..225);
}

#[test]
fn a_seed_is_played_the_same_way_each_time() {
    let [one, other] = [7, 7].map(play);
    assert_eq!(one.trace.fingerprint(), other.trace.fingerprint());
    assert_eq!(one.tally, other.tally);
    assert_ne!(one.trace.fingerprint(), play(8).trace.fingerprint());
}
