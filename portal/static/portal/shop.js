// The demo shop's own script: the queue that the tag's snippet begins with, and the page that thanks for an order.
window.aff = window.aff || function () { (window.aff.q = window.aff.q || []).push(arguments); };

document.addEventListener("DOMContentLoaded", () => {
  const order = document.querySelector("[data-order]");
  if (!order) return;
  const answer = document.getElementById(order.dataset.answer);
  window.aff("order", JSON.parse(order.dataset.order), (told) => {
    if (answer) answer.firstElementChild.textContent = JSON.stringify(told, null, 2);
    order.dataset.verdict = told.verdict || "rejected";
  });
});
