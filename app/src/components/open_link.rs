//! Opening a link that somebody sent: an app that was installed may keep its lists apart from the browser in
//! which links open by themselves.

use leptos::ev::SubmitEvent;
use leptos::html::Input;
use leptos::prelude::*;
use settee::keys::link::{Address, Place, Secret};
use settee_todo::document::LINKS;

use super::link_notice::INCOMPLETE;
use crate::session::{Command, SessionSlot};

#[component]
pub fn OpenLink(session: SessionSlot, drawer: RwSignal<bool>) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    let complaint = RwSignal::new(String::new());
    let open = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(field) = field.get_untracked() else { return };
        // It fails on a page without an address alone.
        let host = window().location().host().unwrap_or_default();
        match link_in(&field.value(), &host).map(str::to_owned) {
            Ok(link) => {
                complaint.set(String::new());
                field.set_value("");
                drawer.set(false);
                match session.get_untracked() {
                    Some(session) => session.ask(Command::Open { link }),
                    // The next page may be able to open the device's storage.
                    None => drop(window().location().assign(&link)),
                }
            }
            Err(text) => complaint.set(text),
        }
    };

    view! {
        <details class="open-link">
            <summary>"Open a link"</summary>
            <form on:submit=open>
                <label for="link-to-open">"Paste a link that you were sent"</label>
                <input
                    id="link-to-open"
                    node_ref=field
                    type="text"
                    inputmode="url"
                    enterkeyhint="go"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    aria-describedby="link-complaint"
                    aria-invalid=move || complaint.with(|text| !text.is_empty()).to_string()
                />
                <button type="submit" data-action="open-link">
                    "Open"
                </button>
                <p id="link-complaint" role="alert">
                    {complaint}
                </p>
            </form>
        </details>
    }
}

/// Path and secret of the link in a text, which may be a whole message; or why this site opens none of it.
fn link_in<'a>(text: &'a str, host: &str) -> Result<&'a str, String> {
    let after = |scheme: &str| text.split_once(scheme).map(|(_, rest)| rest);
    let link = after("https://").or_else(|| after("http://"));
    let Some(link) = link.and_then(|link| link.split_whitespace().next()) else {
        return Err("There is no link in this. One begins with https.".to_owned());
    };
    let (other, path) = link.split_at(link.find(['/', '#']).unwrap_or(link.len()));
    if !other.eq_ignore_ascii_case(host) {
        return Err(format!("This link leads to {other}. Open it in a browser."));
    }
    let is_whole = path.split_once('#').is_some_and(|(page, _)| {
        let address = LINKS.read(page, &path[page.len()..]);
        matches!(
            address,
            Address { place: Place::Database(_), secret: Secret::Token(_) }
                | Address { secret: Secret::Permit(_) | Secret::Home(_), .. }
        )
    });
    if is_whole { Ok(path) } else { Err(INCOMPLETE.to_owned()) }
}

#[cfg(test)]
mod tests {
    use settee::keys::Token;

    use super::*;

    const HOST: &str = "settee.test:3000";

    #[test]
    fn a_link_is_found_in_what_was_pasted() {
        let owner = Token::generate();
        let path = LINKS.invitation("", &owner.database_id(), &owner.editor(0));
        let link = format!("https://{HOST}{path}");
        assert_eq!(link_in(&link, HOST), Ok(&*path));
        assert_eq!(link_in(&format!("Our list:\n{link} See you!"), HOST), Ok(&*path));
        // What stands behind a link is no part of the secret.
        assert_eq!(link_in(&format!("(<{link}>)"), HOST), Ok(&*format!("{path}>)")));
        for kind in ["c", "d"] {
            let other = format!("https://{HOST}/#{kind}={owner}");
            assert_eq!(link_in(&other, HOST), Ok(&other[other.find("/#").unwrap()..]));
        }
        let cut = link_in(&link[..link.len() - 3], HOST).unwrap_err();
        assert!(cut.contains("incomplete"), "{cut}");
        let elsewhere = link_in(&link, "other.test").unwrap_err();
        assert!(elsewhere.contains(HOST), "{elsewhere}");
        for text in ["", "bread", "http", "javascript:alert(1)//", "/l/a#k=b"] {
            assert!(link_in(text, HOST).unwrap_err().contains("no link"), "{text}");
        }
        for rest in ["", "/", "/l/", "/x", "//other.test/l/a#k=b"] {
            let text = format!("http://{HOST}{rest}");
            assert!(link_in(&text, HOST).unwrap_err().contains("incomplete"), "{text}");
        }
    }
}
