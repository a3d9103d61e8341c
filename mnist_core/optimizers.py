"""Optimisers, each one kernel a variable: Keras's own take several passes for a step.

The formulas are those of Keras 3: SGD with momentum, Adam (Kingma & Ba, 2015), AdamW
(Loshchilov & Hutter, 2019) and RMSprop (Hinton, 2012).
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from mnist_core.config import TrainConfig

RHO = 0.9  # of "rmsprop": how slowly the mean square follows
EPSILON = 1e-7  # keeps Adam and RMSprop from dividing by zero

_SLOTS = {"sgd": 1, "adam": 2, "adamw": 2, "rmsprop": 2}  # tensors a weight


class Optimizer:
    """The optimiser of a config, for some weights."""

    def __init__(self, config: TrainConfig, weights: Sequence[keras.Variable]) -> None:
        self._config = config
        self._weights = [weight.value for weight in weights]
        self._decays = [
            config.weight_decay if is_kernel(weight) else 0.0 for weight in weights
        ]
        self._slots = [
            [
                tf.Variable(tf.zeros_like(weight))
                for _ in range(_SLOTS[config.optimizer])
            ]
            for weight in self._weights
        ]

    @property
    def variables(self) -> list[tf.Variable]:
        """All that it remembers from step to step."""
        return [slot for slots in self._slots for slot in slots]

    def apply(
        self, gradients: Sequence[tf.Tensor], rate: tf.Tensor, step: tf.Tensor
    ) -> None:
        """Move every weight.

        Args:
            gradients: One a weight.
            rate: `()` float32, the learning rate.
            step: `()` int32, gradient steps done before this one.
        """
        for weight, slots, decay, gradient in zip(
            self._weights, self._slots, self._decays, gradients, strict=True
        ):
            if self._config.optimizer == "adamw" and decay:
                weight.assign_sub(weight * (rate * decay))
            self._move(weight, [slot.handle for slot in slots], gradient, rate, step)

    def _move(
        self,
        weight: tf.Variable,
        slots: list[tf.Tensor],
        gradient: tf.Tensor,
        rate: tf.Tensor,
        step: tf.Tensor,
    ) -> None:
        config = self._config
        common = {"var": weight.handle, "lr": rate, "grad": gradient}
        match config.optimizer:
            case "sgd":
                tf.raw_ops.ResourceApplyKerasMomentum(
                    **common, accum=slots[0], momentum=config.momentum
                )
            case "adam" | "adamw":
                number = tf.cast(step + 1, tf.float32)
                tf.raw_ops.ResourceApplyAdam(
                    **common,
                    m=slots[0],
                    v=slots[1],
                    beta1=config.momentum,
                    beta2=config.beta_2,
                    beta1_power=tf.pow(config.momentum, number),
                    beta2_power=tf.pow(config.beta_2, number),
                    epsilon=EPSILON,
                )
            case "rmsprop":
                tf.raw_ops.ResourceApplyRMSProp(
                    **common,
                    ms=slots[0],
                    mom=slots[1],
                    rho=RHO,
                    momentum=0.0,
                    epsilon=EPSILON,
                )


def is_kernel(weight: keras.Variable) -> bool:
    """Whether a weight multiplies, so that weight decay is for it."""
    return weight.name == "kernel"
