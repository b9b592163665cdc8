//! How the fields of a struct are read from CBOR.
//!
//! minicbor's derive has the reading of each field twice, for lengths that are given and for those that
//! aren't, and a browser downloads both. What is written is derived.

use minicbor::{Decoder, data::Type, decode::Error};

/// How the fields of a struct are written.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// With their numbers as keys.
    Map,
    /// At the places of their numbers.
    Array,
}

/// Calls `read` with the number of each field that was written, which then reads its value. It returns
/// false for a number that it doesn't know; that value is skipped.
#[doc(hidden)]
pub fn read_each<'b>(
    decoder: &mut Decoder<'b>,
    shape: Shape,
    read: &mut dyn FnMut(i64, &mut Decoder<'b>) -> Result<bool, Error>,
) -> Result<(), Error> {
    let count = match shape {
        Shape::Map => decoder.map()?,
        Shape::Array => decoder.array()?,
    };
    let mut place = 0;
    loop {
        let is_over = match count {
            Some(count) => u64::try_from(place).is_ok_and(|place| place == count),
            None => decoder.datatype()? == Type::Break,
        };
        if is_over {
            break;
        }
        let number = match shape {
            Shape::Map => decoder.i64()?,
            Shape::Array => place,
        };
        if !read(number, decoder)? {
            decoder.skip()?;
        }
        place += 1;
    }
    if count.is_none() {
        decoder.skip()?;
    }
    Ok(())
}

/// Implements [`minicbor::Decode`] for a struct whose `Encode` is derived: `read_fields!(Map Name { 0 id,
/// 1 bytes: bytes, 2 flag: default })`. A field without a value is `None`, or the default if it says
/// `default`, or missing. `bytes` is a string of bytes. `if |it| ...` at the end is what has to hold.
#[macro_export]
macro_rules! read_fields {
    (
        $shape:ident $name:ident { $($number:literal $field:ident $(: $how:ident)?),+ $(,)? }
        $(if |$read:ident| $holds:expr)?
    ) => {
        impl<'b, C> ::minicbor::Decode<'b, C> for $name {
            fn decode(
                decoder: &mut ::minicbor::Decoder<'b>,
                context: &mut C,
            ) -> Result<Self, ::minicbor::decode::Error> {
                $(let mut $field = None;)+
                let shape = $crate::fields::Shape::$shape;
                $crate::fields::read_each(decoder, shape, &mut |number, decoder| {
                    match number {
                        $($number => $field = Some($crate::read_fields!(
                            @read decoder, context $(, $how)?
                        )),)+
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
                let read = Self {
                    $($field: $crate::read_fields!(@value $field, $number $(, $how)?),)+
                };
                $(
                    let $read = &read;
                    if !$holds {
                        return Err(::minicbor::decode::Error::message("too little is said"));
                    }
                )?
                Ok(read)
            }
        }
    };
    (@read $decoder:ident, $context:ident, bytes) => {
        ::minicbor::bytes::decode($decoder, $context)?
    };
    (@read $decoder:ident, $context:ident $(, default)?) => {
        ::minicbor::Decode::decode($decoder, $context)?
    };
    (@value $field:ident, $number:literal, default) => { $field.unwrap_or_default() };
    (@value $field:ident, $number:literal, bytes) => {
        $field.ok_or_else(|| ::minicbor::decode::Error::missing_value($number))?
    };
    (@value $field:ident, $number:literal) => {
        $field
            .or_else(::minicbor::Decode::<C>::nil)
            .ok_or_else(|| ::minicbor::decode::Error::missing_value($number))?
    };
}
