// A browser with WebKitGTK's engine, which a driver starts: gjs -m webkit_browser.js FOLDER. WebKitGTK's
// own MiniBrowser forgets everything when it is driven. This one keeps its data in the folder.

import Gtk from 'gi://Gtk?version=3.0';
import WebKit from 'gi://WebKit2?version=4.1';
import { programArgs } from 'system';

Gtk.init(null);
const [folder] = programArgs;
const data = new WebKit.WebsiteDataManager({ base_data_directory: folder, base_cache_directory: folder });
const context = new WebKit.WebContext({ website_data_manager: data });
const settings = new WebKit.Settings({ enable_write_console_messages_to_stdout: true });

function open() {
  const view = new WebKit.WebView({ web_context: context, settings, is_controlled_by_automation: true });
  const window = new Gtk.Window({ default_width: 1000, default_height: 800 });
  window.add(view);
  window.show_all();
  view.connect('close', () => window.destroy());
  return view;
}

context.connect('automation-started', (_, session) => session.connect('create-web-view', open));
context.set_automation_allowed(true);
Gtk.main();
