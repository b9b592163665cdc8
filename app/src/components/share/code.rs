//! A link as a code that the camera of a phone reads.

use std::fmt::Write;

use leptos::html::Figure;
use leptos::prelude::*;
use qrcodegen::{QrCode, QrCodeEcc};

/// White space around a code, in modules (ISO/IEC 18004).
const MARGIN: i32 = 4;

/// The link that is shown as a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub name: String,
    pub link: String,
}

#[component]
pub fn Code(code: RwSignal<Option<Shown>>) -> impl IntoView {
    let figure = NodeRef::<Figure>::new();
    Effect::new(move || {
        code.track();
        if let Some(figure) = figure.get() {
            figure.scroll_into_view();
        }
    });
    move || {
        let Shown { name, link } = code.get()?;
        let (size, path) = drawn(&link)?;
        Some(view! {
            <figure node_ref=figure class="code">
                <svg
                    role="img"
                    aria-label=format!("A code with the link: {name}")
                    viewBox=format!("0 0 {size} {size}")
                    shape-rendering="crispEdges"
                >
                    <path class="light" d=format!("M0 0h{size}v{size}H0z") />
                    <path class="dark" d=path />
                </svg>
                <figcaption><bdi>{name}</bdi> ". Point the camera of a phone at it."</figcaption>
            </figure>
        })
    }
}

/// How many modules a side has, with the margin, and the dark ones as the path of an SVG. `None` if the
/// text is too long for a code.
fn drawn(text: &str) -> Option<(i32, String)> {
    let code = QrCode::encode_binary(text.as_bytes(), QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            // Writing to memory doesn't fail.
            let _ = write!(path, "M{} {}h1v1h-1z", x + MARGIN, y + MARGIN);
        }
    }
    Some((code.size() + 2 * MARGIN, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_fits_and_has_its_corners() {
        let link = format!("https://settee.test/l/{}#k={}", "a".repeat(26), "b".repeat(43));
        let (size, path) = drawn(&link).unwrap();
        assert!((21 + 8..=177 + 8).contains(&size), "{size}");
        for (x, y) in [(MARGIN, MARGIN), (size - MARGIN - 1, MARGIN), (MARGIN, size - MARGIN - 1)] {
            assert!(path.contains(&format!("M{x} {y}h")), "{x} {y}");
        }
        assert_eq!(drawn(&"x".repeat(5_000)), None);
    }
}
