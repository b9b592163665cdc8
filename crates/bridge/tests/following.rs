//! Reactions to what is watched.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod support;

use std::{cell::RefCell, rc::Rc};

use leptos::prelude::Owner;
use settee_leptos::follow;
use support::{run, until};
use tokio::sync::watch;

#[tokio::test]
async fn each_value_has_its_reaction_until_the_owner_is_gone() {
    run(async |_, _| {
        let (sender, receiver) = watch::channel(1);
        let seen = Rc::new(RefCell::new(Vec::new()));
        let known = seen.clone();
        let owner = Owner::new();
        owner.with(|| follow(receiver, async move |value| known.borrow_mut().push(value)));
        until("the first is seen", async || *seen.borrow() == [1]).await;
        sender.send_replace(2);
        until("a change is seen", async || *seen.borrow() == [1, 2]).await;
        owner.cleanup();
        sender.send_replace(3);
        // The reaction is gone with what it holds.
        until("it has ended", async || Rc::strong_count(&seen) == 1).await;
        assert_eq!(*seen.borrow(), [1, 2]);
        assert!(sender.is_closed());
    })
    .await;
}

#[tokio::test]
async fn it_ends_when_nobody_can_change_the_value() {
    run(async |_, _| {
        let (sender, receiver) = watch::channel(());
        let held = Rc::new(());
        let holds = held.clone();
        follow(receiver, async move |()| {
            let _ = &holds;
        });
        drop(sender);
        until("it has ended", async || Rc::strong_count(&held) == 1).await;
    })
    .await;
}
