//! Lambda's APIs on this machine, to try functions and callers with. A stand-in, not a product.
//!
//! ```sh
//! cargo run --example local_lambda -- --function score=target/debug/examples/lambda_function
//! ```

use clap::Parser;
use spanbridge_examples::local_lambda::{Function, LocalLambda};
use spanbridge_examples::told_to_stop;
use std::net::SocketAddr;
use std::time::Duration;

/// Runs Lambda's Invoke and Runtime APIs until it is told to stop.
#[derive(Parser)]
struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:9001")]
    listen: SocketAddr,
    /// A function, and the program that it is
    #[arg(long = "function", value_name = "NAME=PROGRAM", value_parser = named)]
    functions: Vec<(String, String)>,
    /// A function whose program is started by hand, with the variable that is printed
    #[arg(long = "external", value_name = "NAME")]
    external: Vec<String>,
    /// How long an invocation may take, in seconds
    #[arg(long, default_value_t = 3, value_name = "SECONDS")]
    timeout: u64,
}

fn named(text: &str) -> Result<(String, String), &'static str> {
    let (name, program) = text.split_once('=').ok_or("is not NAME=PROGRAM")?;
    Ok((name.to_owned(), program.to_owned()))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let stop = told_to_stop()?;
    let timeout = Duration::from_secs(arguments.timeout);
    let lambda = LocalLambda::start_on(arguments.listen).await?;
    println!("endpoint {}", lambda.endpoint());
    for (name, program) in arguments.functions {
        lambda.add(Function::new(name, program).timeout(timeout).show_output()).await?;
    }
    for name in arguments.external {
        let patience = Duration::from_secs(600);
        lambda.add(Function::external(&name).timeout(timeout).init_timeout(patience)).await?;
        println!("{name} AWS_LAMBDA_RUNTIME_API={}", lambda.runtime_api(&name).unwrap_or_default());
    }
    stop.await;
    Ok(())
}
