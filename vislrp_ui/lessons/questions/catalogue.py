"""The fourteen questions; what each claims is tested in tests/ui/test_questions.py."""

from __future__ import annotations

from vislrp_core.fills import DEFAULT_FILL
from vislrp_core.network import Network
from vislrp_ui import service
from vislrp_ui.flipping import work
from vislrp_ui.lessons import numbers
from vislrp_ui.lessons.questions import models
from vislrp_ui.lessons.questions.model import LearnerQuestion, class_at
from vislrp_ui.state import ImageRef
from vislrp_ui.state_flipping import FlippingRow


def _flipped(network: Network, ref: ImageRef) -> str:
    """Logit and probability before and after the most positive pixels are flipped."""
    target = class_at(network, ref, 0)
    values = work.values_of(service.maps(network, ref, models.composite(network), target))
    marked = work.selected(FlippingRow(1, sign="positive", share=8.0), values)
    after = numbers.of(work.flipped(network, ref, marked, DEFAULT_FILL).predictions, target)
    before = numbers.of(service.predictions(network, ref, network.num_classes), target)
    return (
        f"Without the most positive 8 % of pixels: logit {numbers.signed(before.logit)} → {numbers.signed(after.logit)}, "
        f"probability {numbers.share(before.probability)} → {numbers.share(after.probability)}."
    )


_ALL = (
    LearnerQuestion(
        "negative",
        "I use α1β0. Why is there negative relevance?",
        ("α1β0 can make negative relevance itself", "The sign comes from above it", "It is a rounding error"),
        1,
        "α1β0 multiplies what it gets with shares between 0 and 1: it keeps signs, it makes none. From a positive logit "
        "all is red; from a negative logit all is blue; and LRP-0 or LRP-ε in layers above hand down both.",
        models.signs,
        ("rule", "contribution"),
    ),
    LearnerQuestion(
        "sign",
        "Is relevance always positive? What does negative mean?",
        ("Always positive", "Negative speaks against the class explained", "Negative means unimportant"),
        1,
        "Blue lowers the score of *this* class, often because it raises that of another. Unimportant is white. Where "
        "nothing is absorbed, red and blue together add up to the score.",
        models.two_classes,
        ("map", "class", "ablation"),
        "guitar_and_drums",
    ),
    LearnerQuestion(
        "conserve",
        "α1β0 does not conserve relevance. Is that a bug?",
        ("Yes, the sum must stay", "No: the bias took its share", "No: α1β0 never conserves"),
        1,
        "If the bias counts as one more input, it takes a share that no pixel gets. If it is ignored, the shares of the "
        "inputs add up to 1 and the sum stays. Switch it under *Conventions* on Design.",
        models.kept,
        ("convention", "measure", "contribution"),
    ),
    LearnerQuestion(
        "layers",
        "My sums differ from layer to layer",
        ("The engine is inexact", "Bias and ε keep a part at each layer", "Pooling loses it"),
        1,
        "LRP-γ with the bias ignored hands on everything. An absorbing bias keeps its share, and ε keeps one wherever it "
        "is in the denominator. The bars beside the ruler on Design show at which layer.",
        models.biases,
        ("convention", "measure", "suppression"),
    ),
    LearnerQuestion(
        "epsilon",
        "I change ε and the picture stays the same",
        ("All maps are equally strong", "Same pattern, smaller values", "ε has no effect at all"),
        1,
        "At the last layer ε divides the one score by a larger number: every value below shrinks by the same factor. A "
        "colour range of its own for each map hides that; here all share one. In *several* layers ε does change the "
        "pattern, because weak sums shrink more than strong ones.",
        models.epsilons,
        ("rule", "suppression"),
        shared=True,
    ),
    LearnerQuestion(
        "softmax",
        "Why leave out softmax? What does the start change?",
        ("Every start gives another picture", "Only contrast does; the rest is scale", "All four are the same"),
        1,
        "Logit, 1 and probability start at one unit: the map is the same up to a factor, and its sign follows the start. "
        "*Contrast* also starts negative relevance at all other classes, which does change the picture.",
        models.starts,
        ("convention", "class"),
    ),
    LearnerQuestion(
        "pooling",
        "How does max pooling pass relevance on?",
        ("To all four inputs alike", "There are two usual answers", "It blocks relevance"),
        1,
        "*Winner takes all* gives everything to the largest input, *proportional* shares it. From 6 to the window (3, 1, "
        "0, 2): (6, 0, 0, 0), or (3, 1, 0, 2). Both keep the sum. The first is coarser, the second smoother.",
        models.poolings,
        ("convention",),
    ),
    LearnerQuestion(
        "gradient",
        "Is LRP-0 just gradient × input?",
        ("Yes, always", "Yes, with certain conventions", "No, never"),
        1,
        "In a network of ReLUs it is, exactly, if it starts from the logit, pooling is winner-takes-all and the bias "
        "absorbs its share. With a bias that is ignored, or proportional pooling, it is not. Compare the cosines below "
        "the maps.",
        models.gradients,
        ("rule", "measure"),
    ),
    LearnerQuestion(
        "gamma",
        "Which rule where, and what is γ?",
        ("Larger γ comes closer to α1β0", "Larger γ comes closer to LRP-0", "γ only scales the map"),
        0,
        "γ adds weight to positive contributions. At 0 it is LRP-0, and the larger it is, the closer to α1β0. Usual: γ "
        "in low layers, ε in the middle, LRP-0 at the top. Whether that is better for your network, flipping measures.",
        models.gammas,
        ("rule", "weight"),
    ),
    LearnerQuestion(
        "classes",
        "The map looks the same for every class",
        ("A bug of the program", "Some rules hardly depend on the class", "The network sees no difference"),
        1,
        "α1β0 in all layers follows what is active, whatever the class: its two maps are nearly one. The composite "
        "leaves the top layers, where classes part, to LRP-0. Compare the cosines.",
        models.classes,
        ("class", "measure", "ablation"),
        "guitar_and_drums",
    ),
    LearnerQuestion(
        "lowest",
        "How do I explain a class with a negative score?",
        ("It cannot be explained", "As any other: mind the sign of the start", "Its map is empty"),
        1,
        "Any class can be the target. From a negative logit the relevance adds up to a negative number, and blue then "
        "means: this *lowers* a score that is low already. Start from 1 to read the colours as usual.",
        models.lowest,
        ("class",),
    ),
    LearnerQuestion(
        "score",
        "Logit or probability as the score I perturb?",
        ("They always agree", "They can disagree, even in direction", "Only logits are valid"),
        1,
        "The logit is about this class alone. The probability also depends on all others: it rises when they fall, and "
        "does not change if all logits fall alike. Pixel Flipping draws both curves; say which one you report.",
        models.scores,
        ("flipping", "ablation"),
        note=_flipped,
    ),
    LearnerQuestion(
        "colours",
        "Why do my colours differ from another tool's?",
        ("Its relevance is different", "Same numbers, another range or spectrum", "One of the two is wrong"),
        1,
        "The three pictures are drawn from one and the same array: Σ is equal to the last digit. A range that ends at "
        "the largest value lets one pixel make all others pale. Compare numbers, or draw both with one range.",
        models.looks,
        ("map",),
    ),
    LearnerQuestion(
        "scale",
        "How do I choose ε?",
        ("As small as possible", "Relative to what it is added to", "Always 0.01"),
        1,
        "Sums z are large in one layer and small in another, so one absolute ε is strong here and nothing there. "
        "Relative to the root mean square of z it means the same everywhere. The larger, the more is absorbed: watch Σ, "
        "and stop when the map is readable.",
        models.scales,
        ("rule", "suppression"),
    ),
)
QUESTIONS: dict[str, LearnerQuestion] = {question.key: question for question in _ALL}
