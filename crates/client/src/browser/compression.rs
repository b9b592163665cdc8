//! The browser's own compression, which needs no download.

use js_sys::{Array, Reflect, Uint8Array};
use settee_sync::compression::MARK;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ReadableStreamDefaultReader, ReadableWritablePair};

// web-sys has these among what may change.
#[wasm_bindgen]
extern "C" {
    type CompressionStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<CompressionStream, JsValue>;

    type DecompressionStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<DecompressionStream, JsValue>;
}

const FORMAT: &str = "deflate-raw";

/// Whether this browser has it: Chromium since 103, Firefox since 113, Safari since 16.4.
pub fn is_here() -> bool {
    CompressionStream::new(FORMAT).is_ok()
}

/// Compresses a frame.
pub async fn compress(frame: Uint8Array) -> Result<Vec<u8>, JsValue> {
    let stream = CompressionStream::new(FORMAT)?;
    through(stream.unchecked_ref(), &frame, vec![MARK], usize::MAX).await
}

/// Expands what [`compress`] made, without the mark. The frame may have `limit` bytes.
pub async fn expand(compressed: Uint8Array, limit: usize) -> Result<Vec<u8>, JsValue> {
    let stream = DecompressionStream::new(FORMAT)?;
    through(stream.unchecked_ref(), &compressed, Vec::new(), limit).await
}

/// Adds to `output` what comes out of a stream when `input` is written to it.
async fn through(
    stream: &ReadableWritablePair,
    input: &Uint8Array,
    mut output: Vec<u8>,
    limit: usize,
) -> Result<Vec<u8>, JsValue> {
    let input = Blob::new_with_u8_array_sequence(&Array::of1(input))?.stream();
    let reader = input.pipe_through(stream).get_reader();
    let reader: ReadableStreamDefaultReader = reader.unchecked_into();
    loop {
        let step = JsFuture::from(reader.read()).await?;
        // There is none at the end.
        let piece = Reflect::get(&step, &"value".into())?;
        let Some(piece) = piece.dyn_ref::<Uint8Array>() else { return Ok(output) };
        output.extend(piece.to_vec());
        if output.len() > limit {
            let _ = reader.cancel();
            return Err("a frame is too long".into());
        }
    }
}
