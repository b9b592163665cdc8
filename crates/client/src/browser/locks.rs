//! Web Locks, each of which one tab at a time holds.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Function, Object, Promise, Reflect};
use tokio::sync::Notify;
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

#[wasm_bindgen]
extern "C" {
    /// web-sys has it only behind its flag for unstable interfaces.
    #[derive(Clone)]
    pub type LockManager;

    #[wasm_bindgen(catch, method)]
    fn request(
        this: &LockManager,
        name: &str,
        options: &Object,
        granted: &JsValue,
    ) -> Result<Promise, JsValue>;
}

impl LockManager {
    /// `None` where the browser has no locks, or doesn't allow them.
    pub fn of_browser() -> Option<Self> {
        let navigator = web_sys::window()?.navigator();
        let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
        locks.is_object().then(|| locks.unchecked_into())
    }
}

/// The outcomes of a claim, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Granted,
    /// Another tab has stolen the lock, or the browser refuses it.
    Lost,
}

/// A claim to the lock. Dropping it withdraws the claim, or releases the lock if it was granted.
pub struct Claim {
    queued: Option<AbortController>,
    hold: Rc<RefCell<Hold>>,
}

enum Hold {
    Waiting,
    /// Calling the function releases the lock.
    Held(Function),
    Released,
}

impl Claim {
    /// Queues for the lock, or with `steals` takes it from the tab that holds it.
    pub fn new(
        locks: &LockManager,
        name: &str,
        steals: bool,
        react: Rc<dyn Fn(Outcome)>,
    ) -> Result<Self, JsValue> {
        let hold = Rc::new(RefCell::new(Hold::Waiting));
        let options = Object::new();
        // The browser refuses a signal together with `steal`: who steals doesn't wait.
        let queued = if steals { None } else { Some(AbortController::new()?) };
        match &queued {
            Some(abort) => Reflect::set(&options, &"signal".into(), &abort.signal())?,
            None => Reflect::set(&options, &"steal".into(), &true.into())?,
        };
        let granted = {
            let (react, hold) = (react.clone(), hold.clone());
            // The browser may call it after the claim is dropped, so the browser owns it.
            Closure::once_into_js(move |_: JsValue| -> Promise {
                Promise::new(&mut |release, _| {
                    if matches!(*hold.borrow(), Hold::Released) {
                        // It fails only for something that isn't callable.
                        let _ = release.call0(&JsValue::UNDEFINED);
                        return;
                    }
                    *hold.borrow_mut() = Hold::Held(release);
                    react(Outcome::Granted);
                })
            })
        };
        let request = locks.request(name, &options, &granted)?;
        let watched = hold.clone();
        spawn_local(async move {
            let _ = JsFuture::from(request).await;
            if !matches!(*watched.borrow(), Hold::Released) {
                react(Outcome::Lost);
            }
        });
        Ok(Self { queued, hold })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Hold::Held(release) = self.hold.replace(Hold::Released) {
            let _ = release.call0(&JsValue::UNDEFINED);
        } else if let Some(queued) = &self.queued {
            queued.abort();
        }
    }
}

/// Does some work while no other tab of this origin, and nothing else in this one, does any under the same name. Where
/// the browser has no locks, or refuses this one, the work is done at once.
pub async fn alone<T>(name: &str, work: impl Future<Output = T>) -> T {
    let answered = Rc::new(Notify::new());
    let answer = answered.clone();
    let react = Rc::new(move |_| answer.notify_one());
    let locks = LockManager::of_browser();
    // It holds the lock until the work is done.
    let claim = locks.and_then(|locks| Claim::new(&locks, name, false, react).ok());
    if claim.is_some() {
        answered.notified().await;
    }
    work.await
}
