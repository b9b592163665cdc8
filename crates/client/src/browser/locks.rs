//! The Web Lock that one tab at a time holds.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

#[wasm_bindgen]
extern "C" {
    /// web-sys has it behind a flag for unstable interfaces alone.
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
    /// `None` where browsers have none, and where they may not be used.
    pub fn of_browser() -> Option<Self> {
        let navigator = web_sys::window()?.navigator();
        let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
        locks.is_object().then(|| locks.unchecked_into())
    }
}

/// What becomes of a claim, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Granted,
    /// Somebody has stolen the lock, or it can't be had.
    Lost,
}

/// A claim to the lock, which is let go when this is dropped: before it is granted or after.
pub struct Claim {
    queued: Option<AbortController>,
    hold: Rc<RefCell<Hold>>,
}

enum Hold {
    Waits,
    /// Calling this lets go.
    Has(Function),
    LetGo,
}

impl Claim {
    /// Waits for those who have claimed before, or takes the lock from whoever holds it.
    pub fn new(
        locks: &LockManager,
        name: &str,
        steals: bool,
        react: impl Fn(Outcome) + 'static,
    ) -> Result<Self, JsValue> {
        let (react, hold) = (Rc::new(react), Rc::new(RefCell::new(Hold::Waits)));
        let options = Object::new();
        // Who steals doesn't wait, and may not be told to stop waiting.
        let queued = if steals { None } else { Some(AbortController::new()?) };
        match &queued {
            Some(abort) => Reflect::set(&options, &"signal".into(), &abort.signal())?,
            None => Reflect::set(&options, &"steal".into(), &true.into())?,
        };
        let granted = {
            let (react, hold) = (react.clone(), hold.clone());
            // It may be called after this is dropped, so it is the browser's to keep.
            Closure::once_into_js(move |_: JsValue| -> Promise {
                Promise::new(&mut |release, _| {
                    if matches!(*hold.borrow(), Hold::LetGo) {
                        // It fails on what isn't callable alone.
                        let _ = release.call0(&JsValue::UNDEFINED);
                        return;
                    }
                    *hold.borrow_mut() = Hold::Has(release);
                    react(Outcome::Granted);
                })
            })
        };
        let request = locks.request(name, &options, &granted)?;
        let watched = hold.clone();
        spawn_local(async move {
            let _ = JsFuture::from(request).await;
            if !matches!(*watched.borrow(), Hold::LetGo) {
                react(Outcome::Lost);
            }
        });
        Ok(Self { queued, hold })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Hold::Has(release) = self.hold.replace(Hold::LetGo) {
            let _ = release.call0(&JsValue::UNDEFINED);
        } else if let Some(queued) = &self.queued {
            queued.abort();
        }
    }
}
