//! One message of a driver: the work, with its span and a guard against panics, and then the settlement.

use super::job::DrivenJob;
use crate::messaging::{BoxError, DriverOptions, JobHandler};
use crate::panics;
use pin_project_lite::pin_project;
use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

/// What a driver did with a message.
#[derive(Debug)]
pub struct Driven<D> {
    /// What the broker was told.
    pub disposition: D,
    error: Option<BoxError>,
}

impl<D> Driven<D> {
    /// The error of the last attempt, or what the panic said, if it failed.
    pub fn into_error(mut self) -> Option<BoxError> {
        self.error.take()
    }
}

/// An error of the handler's may panic when it is dropped, which must not end a driver.
impl<D> Drop for Driven<D> {
    fn drop(&mut self) {
        self.error.take().into_iter().for_each(discard)
    }
}

/// Works on one message: every attempt in a `process` span of its own, with a guard against panics, and then the settlement that
/// the policy asks for.
///
/// Nothing that a handler does ends the driver: a panic at once, in mid-work, in a destructor, or of what a panic carried. Nor does
/// a destructor that panics when this is dropped keep a driver from dropping what else is under way.
pub async fn drive_one<J, H>(
    job: &Arc<J>,
    handler: &H,
    options: &DriverOptions<J::Disposition>,
) -> Driven<J::Disposition>
where
    J: DrivenJob,
    H: JobHandler<J>,
{
    let (mut retries, policy) = (options.max_retries(), options.policy());
    let (disposition, error) = loop {
        // The process span notices a panic; it is caught outside of that. A handler may begin to work, and panic, before it
        // returns its future.
        let (disposition, error) = match caught(|| job.work().run(job.message(), || handler.handle(job.clone()))).await
        {
            Ok(Ok(())) => break (policy.ok(), None),
            Ok(Err(error)) => (policy.error(), error),
            Err(panic) => {
                let said = panics::text(&*panic);
                panics::discard(panic);
                (policy.panic(), format!("the handler panicked: {said}").into())
            }
        };
        if retries == 0 || !job.may_be_retried() {
            break (disposition, Some(error));
        }
        retries -= 1;
        discard(error)
    };
    let driven = Driven { disposition, error };
    job.settle(disposition).await;
    driven
}

/// Makes a future, polls and drops it. A panic in any of that ends here.
async fn caught<F: Future>(make: impl FnOnce() -> F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut work = pin!(UnderWay { future: Some(catch_unwind(AssertUnwindSafe(make))?) });
    let result = poll_fn(|cx| {
        let future = work.as_mut().project().future.as_pin_mut();
        let poll = || future.map_or(Poll::Pending, |future| future.poll(cx));
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await;
    match (work.end(), result) {
        (Ok(()), result) => result,
        (Err(panic), Ok(value)) => {
            let _ = panics::caught(|| drop(value));
            Err(panic)
        }
        (Err(panic), first) => {
            panics::discard(panic);
            first
        }
    }
}

pin_project! {
    /// The future of a handler. Dropped in mid-work, its panics end here: its span says what they were.
    struct UnderWay<F> {
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for UnderWay<F> {
        fn drop(this: Pin<&mut Self>) {
            this.end().unwrap_or_else(panics::discard)
        }
    }
}

impl<F> UnderWay<F> {
    fn end(self: Pin<&mut Self>) -> Result<(), Box<dyn Any + Send>> {
        let mut future = self.project().future;
        catch_unwind(AssertUnwindSafe(|| future.set(None)))
    }
}

/// Drops an error of the handler's.
fn discard(error: BoxError) {
    let _ = panics::caught(|| drop(error));
}
