//! Bugs that are made on purpose are found.

use settee_simulator::{Plot, Sabotage, Trace, is_bulky, simulate_with};

/// The first seed that goes wrong, and how.
fn first_found(plot: Plot, sabotage: Sabotage) -> Option<(u64, String)> {
    (0..1_000).find_map(|seed| {
        let report = simulate_with(seed, plot, sabotage, Trace::silent());
        Some((seed, report.outcome.err()?.to_string()))
    })
}

/// Finds what is `wanted`. In seeds before that one, nothing shows but `consequences` of it.
fn finds(plot: Plot, sabotage: Sabotage, wanted: &str, consequences: &[&str]) {
    for seed in 0..1_000 {
        let Err(found) = simulate_with(seed, plot, sabotage, Trace::silent()).outcome else {
            continue;
        };
        let found = found.to_string();
        if found.contains(wanted) {
            return;
        }
        let is_expected = consequences.iter().any(|it| found.contains(it));
        assert!(is_expected, "seed {seed}: {found}");
    }
    panic!("it is not found");
}

/// Finds that the server lacks what was acknowledged.
fn finds_what_was_acknowledged(sabotage: Sabotage) {
    finds(Plot::Storm, sabotage, "was acknowledged", &["on the server None"]);
}

#[test]
fn checkpoints_that_run_ahead_are_found() {
    let (seed, found) = first_found(Plot::Storm, Sabotage::CheckpointFirst).expect("it is found");
    assert!(found.contains("has a checkpoint of"), "seed {seed}: {found}");
}

#[test]
fn acknowledgements_that_run_ahead_are_found() {
    finds_what_was_acknowledged(Sabotage::EarlyAcknowledgement);
}

#[test]
fn refusals_that_get_lost_are_found() {
    finds_what_was_acknowledged(Sabotage::LostRefusal);
}

#[test]
fn a_rollback_that_goes_unnoticed_is_found() {
    let (seed, found) = first_found(Plot::Storm, Sabotage::UnnoticedRollback).expect("it is found");
    assert!(
        found.contains("doesn't settle") || found.contains("a checkpoint of"),
        "seed {seed}: {found}"
    );
}

#[test]
fn a_view_that_depends_on_the_order_of_arrival_is_found() {
    let (seed, found) = first_found(Plot::Storm, Sabotage::ArrivalOrder).expect("it is found");
    assert!(found.contains("on the server"), "seed {seed}: {found}");
}

#[test]
fn a_revocation_that_nobody_is_told_of_is_found() {
    // Who isn't told goes on waiting for an answer to edits.
    finds(Plot::Storm, Sabotage::UntoldRevocation, "who has no access", &["doesn't settle"]);
}

#[test]
fn marks_that_are_believed_without_a_deletion_are_found() {
    // What a lie has closed may be what the server has acknowledged, or what devices go on showing.
    let consequences = ["was acknowledged", "doesn't settle"];
    finds(Plot::Storm, Sabotage::BelievedMarks, "isn't", &consequences);
}

#[test]
fn room_that_is_spent_in_the_order_of_arrival_is_found() {
    // Only large bodies fill the room.
    let mut seeds = (0..1_000).filter(|seed| is_bulky(*seed));
    let found = seeds.find_map(|seed| {
        let report =
            simulate_with(seed, Plot::Storm, Sabotage::RoomInOrderOfArrival, Trace::silent());
        Some((seed, report.outcome.err()?.to_string()))
    });
    let (seed, found) = found.expect("it is found");
    assert!(found.contains("doesn't settle") && found.contains("bases"), "seed {seed}: {found}");
}

#[test]
fn an_edit_that_is_shown_as_saved_too_early_is_found() {
    let (seed, found) = first_found(Plot::Storm, Sabotage::EarlySaved).expect("it is found");
    assert!(found.contains("was saved on client"), "seed {seed}: {found}");
}

#[test]
fn a_server_that_does_not_decide_again_after_what_owners_say_is_found() {
    let (seed, found) =
        first_found(Plot::Permissions, Sabotage::UntoldRevocation).expect("it is found");
    assert!(found.contains("who has no access"), "seed {seed}: {found}");
}

#[test]
fn an_invitation_that_works_after_it_was_taken_back_is_found() {
    let (seed, found) =
        first_found(Plot::Permissions, Sabotage::OverlookedRevocation).expect("it is found");
    assert!(
        found.contains("gets Ok(Editor)")
            || found.contains("gets Ok(Helper)")
            || found.contains("gets Ok(Viewer)"),
        "{seed}: {found}"
    );
    assert!(found.contains("but should get None"), "seed {seed}: {found}");
}

#[test]
fn a_clerk_that_saves_its_position_before_its_answers_is_found() {
    let (seed, found) = first_found(Plot::Storm, Sabotage::PositionFirst).expect("it is found");
    assert!(found.contains("the clerk has answered"), "seed {seed}: {found}");
}

#[test]
fn a_clerk_that_saves_its_answers_before_its_position_is_found() {
    let (seed, found) = first_found(Plot::Storm, Sabotage::AnswersFirst).expect("it is found");
    assert!(found.contains("instead of"), "seed {seed}: {found}");
}

#[test]
fn a_clerk_that_looks_from_the_newest_change_is_found() {
    let (seed, found) = first_found(Plot::Storm, Sabotage::LooksFromNewest).expect("it is found");
    assert!(found.contains("the clerk has answered"), "seed {seed}: {found}");
}

#[test]
fn a_server_that_takes_a_clerks_documents_from_others_is_found() {
    // What others write there may not even be an answer.
    finds(Plot::Storm, Sabotage::AnybodyAnswers, "was not written by the clerk", &["clerk"]);
}

#[test]
fn a_server_that_lets_helpers_retitle_is_found() {
    let (seed, found) =
        first_found(Plot::Permissions, Sabotage::HelpersRetitle).expect("it is found");
    assert!(found.contains("a helper has made"), "seed {seed}: {found}");
}

#[test]
fn a_server_that_lets_helpers_add_without_leave_is_found() {
    let (seed, found) = first_found(Plot::Permissions, Sabotage::HelpersAdd).expect("it is found");
    assert!(found.contains("a helper has added"), "seed {seed}: {found}");
}

#[test]
fn an_invitation_by_an_editor_that_works_is_found() {
    // If the server loses it, nobody brings it back.
    finds(Plot::Permissions, Sabotage::EditorsSay, "but should get None", &["isn't on the server"]);
}
