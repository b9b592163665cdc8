//! The HTML document around the app. Its text is the same for everyone and at every address, so
//! that the content security policy can name the inline scripts by their hash, and the browser can
//! keep the page for when there is no server.

use leptos::prelude::*;

use crate::app::App;
use crate::session::SessionSlot;

pub fn shell(options: LeptosOptions) -> impl IntoView {
    let stylesheet = stylesheet(&options);
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <title>"Settee"</title>
                <meta
                    name="description"
                    content="Todo lists that work offline and are shared live"
                />
                <meta name="color-scheme" content="light dark" />
                <meta
                    name="theme-color"
                    content="#f5f5f5"
                    media="(prefers-color-scheme: light)"
                />
                <meta
                    name="theme-color"
                    content="#1b1a19"
                    media="(prefers-color-scheme: dark)"
                />
                <link rel="stylesheet" id="style" href=stylesheet />
                <link rel="manifest" href="/manifest.webmanifest" />
                <link rel="icon" href="/icon.svg" type="image/svg+xml" />
                <link rel="apple-touch-icon" href="/apple-touch-icon.png" />
                <AutoReload options=options.clone() />
                <HydrationScripts options />
            </head>
            <body>
                // First, for hydration begins at the body's first child.
                <App session=SessionSlot::empty() />
                <noscript>
                    <p>
                        "Settee keeps your lists on this device and shares them with others. "
                        "It needs JavaScript for that: please turn it on and reload."
                    </p>
                </noscript>
                // Shown by the shell's script, when nothing else on the page works.
                <div class="banner" role="alert" data-shell="unloaded" hidden>
                    <p>"Settee hasn’t loaded. Everything saved on this device is still there."</p>
                    <a href="" data-shell-renew="">
                        "Try again"
                    </a>
                </div>
                <div class="banner" id="panic" role="alert" data-shell="broken" hidden>
                    <p>
                        "Something in the app broke. Everything shown as saved is saved on this device."
                    </p>
                    <a href="" data-shell-renew="">
                        "Reload"
                    </a>
                </div>
            </body>
        </html>
    }
}

/// The stylesheet's address, with the hash that cargo-leptos lists beside the executable.
fn stylesheet(options: &LeptosOptions) -> String {
    let hash = options.hash_files.then(|| css_hash(&options.hash_file)).flatten();
    let hash = hash.map_or_else(String::new, |hash| format!(".{hash}"));
    format!("/{}/{}{hash}.css", options.site_pkg_dir, options.output_name)
}

fn css_hash(file: &str) -> Option<String> {
    let list = std::env::current_exe().ok()?.with_file_name(file);
    let list = std::fs::read_to_string(list).ok()?;
    let hash = list.lines().find_map(|line| line.strip_prefix("css:"))?;
    Some(hash.trim().to_owned())
}
