"""A linear recurrence by hand; it is trained on short sequences and then on the full length."""
import torch

torch.manual_seed(11)
torch.set_num_threads(1)

H = 6
w_hidden = (1.25 * torch.linalg.qr(torch.randn(H, H))[0]).requires_grad_()
w_input = (0.1 * torch.randn(1, H)).requires_grad_()
w_output = (0.1 * torch.randn(H, 1)).requires_grad_()
parameters = [w_hidden, w_input, w_output]
optimizer = torch.optim.SGD(parameters, lr=1e-3)


def run(sequence):
    state = torch.zeros(sequence.shape[1], H)
    for x in sequence:
        drive = x[:, None] * w_input
        state = torch.matmul(state, w_hidden) + drive  # BAD op=matmul|add phase=forward step=36
    return torch.tanh(state @ w_output)


for step in range(38):
    length = 8 if step < 18 else 16
    if step >= 36:
        length = 900
    sequence = torch.randn(length, 4)
    loss = (run(sequence).squeeze(1) - sequence[0].sign()).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 0.5)
    optimizer.step()
    print(step, length, loss.item())
