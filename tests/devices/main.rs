//! Device models and the arrays made of them, alone and in a machine.

#[path = "../common/mod.rs"]
mod common;

mod array;
mod compact;
mod device_command;
mod device_pictures;
mod devices;
mod measured;
mod mtj;
mod nonideal;
mod pcm;
mod response;
mod wires;
